#include "record/json_fields.h"

#include <string.h>

#include "base/memory.h"
#include "base/printable.h"

json_t *json_fields_load(struct bytes text, struct error *error)
{
    json_error_t problem;
    json_t *root =
        json_loadb((const char *)text.data, text.length, JSON_REJECT_DUPLICATES, &problem);
    if (root == NULL) {
        char reason[256];
        error_set(error, "line %d: %s", problem.line,
                  printable_text(bytes_from_text(problem.text), reason, sizeof(reason)));
        return NULL;
    }
    if (!json_is_object(root)) {
        json_decref(root);
        error_set(error, "not a JSON object");
        return NULL;
    }
    return root;
}

bool json_fields_only(const json_t *object, const char *place, const char *const *allowed,
                      struct error *error)
{
    if (!json_is_object(object))
        return error_set(error, "%s: not an object", place);
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value)
    {
        size_t i = 0;
        while (allowed[i] != NULL && strcmp(allowed[i], key) != 0)
            i++;
        if (allowed[i] == NULL) {
            char shown[64];
            return error_set(error, "%s: unknown key \"%s\"", place,
                             printable_text(bytes_from_text(key), shown, sizeof(shown)));
        }
    }
    return true;
}

bool json_fields_text(const json_t *object, const char *place, const char *key, char *text,
                      size_t size, struct error *error)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_string(value))
        return error_set(error, "%s: \"%s\" is %s", place, key,
                         value == NULL ? "missing" : "no text");
    size_t length = json_string_length(value);
    if (length == 0 || length >= size)
        return error_set(error, "%s: \"%s\" has %zu bytes, not 1 to %zu", place, key, length,
                         size - 1);
    memcpy(text, json_string_value(value), length + 1);
    return true;
}

bool json_fields_number(const json_t *object, const char *place, const char *key, uint64_t minimum,
                        uint64_t maximum, uint64_t *number, struct error *error)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_integer(value))
        return error_set(error, "%s: \"%s\" is %s", place, key,
                         value == NULL ? "missing" : "no whole number");
    json_int_t read = json_integer_value(value);
    if (read < 0 || (uint64_t)read < minimum || (uint64_t)read > maximum)
        return error_set(error, "%s: \"%s\" is %lld, not %llu to %llu", place, key, (long long)read,
                         (unsigned long long)minimum, (unsigned long long)maximum);
    *number = (uint64_t)read;
    return true;
}

bool json_fields_array(const json_t *object, const char *place, const char *key, size_t limit,
                       const json_t **array, struct error *error)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_array(value))
        return error_set(error, "%s: \"%s\" is %s", place, key,
                         value == NULL ? "missing" : "no array");
    if (json_array_size(value) > limit)
        return error_set(error, "%s: \"%s\" has more than %zu values", place, key, limit);
    *array = value;
    return true;
}

bool json_fields_dump(const json_t *root, struct buffer *out, struct error *error)
{
    char *text = json_dumps(root, JSON_INDENT(2));
    if (text == NULL)
        return error_set(error, "not representable as JSON");
    bool has_room = buffer_append_text(out, text) && buffer_append_byte(out, '\n');
    free(text);
    return has_room || error_set(error, "longer than %zu bytes", out->cap);
}
