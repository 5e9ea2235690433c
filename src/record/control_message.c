#include "record/control_message.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/printable.h"
#include "record/json_fields.h"

static const char *const request_names[] = {
    [CONTROL_POLICY] = "policy",
    [CONTROL_STATUS] = "status",
    [CONTROL_CAPTURE] = "capture",
};
static_assert(sizeof(request_names) / sizeof(*request_names) == CONTROL_REQUEST_COUNT,
              "a name for each request");

const char *control_request_name(enum control_request request)
{
    return request_names[request];
}

bool control_request_find(struct bytes word, enum control_request *request)
{
    for (int i = 0; i < CONTROL_REQUEST_COUNT; i++) {
        if (bytes_equal_text(word, request_names[i])) {
            *request = (enum control_request)i;
            return true;
        }
    }
    return false;
}

/* Compact JSON with a line end. Takes over the reference. */
static bool append_json(json_t *root, struct buffer *out)
{
    char *text = root ? json_dumps(root, JSON_COMPACT) : NULL;
    json_decref(root);
    if (text == NULL)
        return false;
    size_t length = strlen(text);
    bool is_good = buffer_room(out) > length &&
                   buffer_append(out, (struct bytes){(const uint8_t *)text, length}) &&
                   buffer_append_byte(out, '\n');
    free(text);
    return is_good;
}

static bool set_text(json_t *object, const char *key, struct bytes text, struct error *error)
{
    json_t *value =
        text.length ? json_stringn((const char *)text.data, text.length) : json_string("");
    if (value == NULL)
        return error_set(error, "%s is no UTF-8", key);
    json_object_set_new(object, key, value);
    return true;
}

bool control_policy_write(const struct control_policy *policy, struct buffer *out,
                          struct error *error)
{
    json_t *root = json_object();
    json_t *groups = json_object();
    bool is_good = set_text(root, "https", policy->https, error) &&
                   set_text(root, "ssh", policy->ssh, error) &&
                   set_text(root, "dns", policy->dns, error);
    for (size_t i = 0; is_good && i < policy->group_count; i++) {
        CLEANUP_FREE char *name = bytes_copy_text(policy->groups[i].name);
        is_good = set_text(groups, name, policy->groups[i].text, error);
    }
    json_object_set_new(root, "groups", groups);
    if (!is_good) {
        json_decref(root);
        return false;
    }
    return append_json(root, out) || error_set(error, "the policy is too long");
}

static bool take_text(const json_t *object, const char *key, struct bytes *text,
                      struct error *error)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_string(value))
        return error_set(error, "\"%s\" must be a text", key);
    *text = (struct bytes){(const uint8_t *)json_string_value(value), json_string_length(value)};
    return true;
}

static bool take_groups(json_t *groups, struct control_policy *policy, struct error *error)
{
    if (groups == NULL)
        return true;
    if (!json_is_object(groups) || json_object_size(groups) > CONTROL_GROUPS_MAX)
        return error_set(error, "\"groups\" must be an object of at most %d texts",
                         CONTROL_GROUPS_MAX);
    const char *name;
    json_t *value;
    json_object_foreach(groups, name, value)
    {
        struct control_group *group = &policy->groups[policy->group_count++];
        group->name = bytes_from_text(name);
        if (!take_text(groups, name, &group->text, error))
            return false;
    }
    return true;
}

bool control_policy_parse(struct bytes text, struct control_policy *policy, struct error *error)
{
    static const char *const allowed[] = {"https", "ssh", "dns", "groups", NULL};
    json_t *root = json_fields_load(text, error);
    if (root == NULL)
        return false;
    struct control_policy *parsed = memory_new(sizeof(*parsed));
    parsed->root = root;
    bool is_good = json_fields_only(root, "policy", allowed, error) &&
                   take_text(root, "https", &parsed->https, error) &&
                   take_text(root, "ssh", &parsed->ssh, error) &&
                   take_text(root, "dns", &parsed->dns, error) &&
                   take_groups(json_object_get(root, "groups"), parsed, error);
    if (is_good)
        *policy = *parsed;
    else
        json_decref(root);
    free(parsed);
    return is_good;
}

void control_policy_done(struct control_policy *policy)
{
    json_decref(policy->root);
    policy->root = NULL;
}

static json_t *text_array(char **texts, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(array, json_string(texts[i]));
    return array;
}

bool control_answer_write_policy(const struct control_policy_answer *answer, struct buffer *out)
{
    json_t *root = json_object();
    json_object_set_new(root, "ok", json_true());
    json_object_set_new(root, "epoch", json_integer((json_int_t)answer->epoch));
    json_object_set_new(root, "added", text_array(answer->added, answer->added_count));
    json_object_set_new(root, "removed", text_array(answer->removed, answer->removed_count));
    json_object_set_new(root, "milliseconds", json_integer((json_int_t)answer->duration_ms));
    return append_json(root, out);
}

bool control_answer_write_error(const char *reason, struct buffer *out)
{
    char shown[1024];
    json_t *root = json_object();
    json_object_set_new(root, "ok", json_false());
    printable_text(bytes_from_text(reason), shown, sizeof(shown));
    json_object_set_new(root, "error", json_string(shown));
    return append_json(root, out);
}

static void free_texts(char **texts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(texts[i]);
    free(texts);
}

/* An array of texts, each copied through the printable filter. */
static bool take_texts(const json_t *root, const char *key, char ***texts, size_t *count,
                       struct error *error)
{
    enum { SHOWN_BYTES = 4096 };
    const json_t *array = json_object_get(root, key);
    if (!json_is_array(array))
        return error_set(error, "the firewall's answer lacks \"%s\"", key);
    size_t size = json_array_size(array);
    *texts = memory_new_array(size + 1, sizeof(**texts));
    for (*count = 0; *count < size; (*count)++) {
        const json_t *value = json_array_get(array, *count);
        if (!json_is_string(value))
            return error_set(error, "\"%s\" of the firewall's answer holds no texts", key);
        struct bytes text = {(const uint8_t *)json_string_value(value), json_string_length(value)};
        char *copy = memory_new(SHOWN_BYTES);
        printable_text(text, copy, SHOWN_BYTES);
        (*texts)[*count] = memory_copy_text(copy);
        free(copy);
    }
    return true;
}

static bool take_number(const json_t *root, const char *key, uint64_t *number, struct error *error)
{
    const json_t *value = json_object_get(root, key);
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return error_set(error, "the firewall's answer lacks \"%s\"", key);
    *number = (uint64_t)json_integer_value(value);
    return true;
}

static bool take_answer(const json_t *root, struct control_policy_answer *answer,
                        struct error *error)
{
    if (!json_is_true(json_object_get(root, "ok"))) {
        const json_t *reason = json_object_get(root, "error");
        char shown[1000];
        struct bytes text = BYTES_LITERAL("the firewall's answer makes no sense");
        if (json_is_string(reason))
            text = (struct bytes){(const uint8_t *)json_string_value(reason),
                                  json_string_length(reason)};
        return error_set(error, "%s", printable_text(text, shown, sizeof(shown)));
    }
    return take_number(root, "epoch", &answer->epoch, error) &&
           take_number(root, "milliseconds", &answer->duration_ms, error) &&
           take_texts(root, "added", &answer->added, &answer->added_count, error) &&
           take_texts(root, "removed", &answer->removed, &answer->removed_count, error);
}

bool control_answer_parse_policy(struct bytes line, struct control_policy_answer *answer,
                                 struct error *error)
{
    json_t *root = json_fields_load(line, error);
    if (root == NULL)
        return error_add_context(error, "answer of the firewall");
    struct control_policy_answer parsed = {0};
    bool is_good = take_answer(root, &parsed, error);
    json_decref(root);
    if (is_good)
        *answer = parsed;
    else
        control_policy_answer_done(&parsed);
    return is_good;
}

void control_policy_answer_done(struct control_policy_answer *answer)
{
    free_texts(answer->added, answer->added_count);
    free_texts(answer->removed, answer->removed_count);
    *answer = (struct control_policy_answer){0};
}

bool control_answer_is_ok(struct bytes line)
{
    return bytes_start_with(line, BYTES_LITERAL("{\"ok\":true"));
}

bool control_answer_write_status(const struct control_status *status, struct buffer *out)
{
    json_t *root = json_object();
    json_t *roles = json_array();
    json_object_set_new(root, "ok", json_true());
    json_object_set_new(root, "epoch", json_integer((json_int_t)status->epoch));
    json_object_set_new(root, "uptime_ms", json_integer((json_int_t)status->uptime_ms));
    json_object_set_new(root, "connections", json_integer((json_int_t)status->agent_connections));
    json_object_set_new(root, "records_dropped", json_integer((json_int_t)status->records_dropped));
    for (size_t i = 0; i < status->role_count; i++) {
        const struct control_role *role = &status->roles[i];
        json_t *entry = json_object();
        json_object_set_new(entry, "name", json_string(role->name));
        json_object_set_new(entry, "process", json_integer((json_int_t)role->process));
        json_object_set_new(entry, "restarts", json_integer((json_int_t)role->restart_count));
        json_object_set_new(entry, "memory_bytes", json_integer((json_int_t)role->memory_bytes));
        json_array_append_new(roles, entry);
    }
    json_object_set_new(root, "roles", roles);
    return append_json(root, out);
}

/* --- capture -------------------------------------------------------------------------------- */

static struct bytes next_word(struct bytes *rest)
{
    size_t start = 0;
    while (start < rest->length && rest->data[start] <= ' ')
        start++;
    size_t end = start;
    while (end < rest->length && rest->data[end] > ' ')
        end++;
    struct bytes word = {rest->data + start, end - start};
    *rest = bytes_from(*rest, end);
    return word;
}

bool control_capture_parse(struct bytes payload, struct control_capture *capture,
                           struct error *error)
{
    struct control_capture read = {0};
    struct {
        const char *word;
        bool *value;
    } const words[] = {{"bodies", &read.wants_bodies}, {"backlog", &read.wants_backlog}};
    for (struct bytes word = next_word(&payload); word.length > 0; word = next_word(&payload)) {
        bool is_known = false;
        for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
            if (!bytes_equal_text(word, words[i].word) || *words[i].value)
                continue;
            *words[i].value = true;
            is_known = true;
        }
        char shown[32];
        if (!is_known)
            return error_set(error, "capture: '%s' is no option, or stands twice",
                             printable_text(word, shown, sizeof(shown)));
    }
    *capture = read;
    return true;
}

bool control_answer_write_ok(struct buffer *out)
{
    return buffer_append_text(out, "{\"ok\":true}\n");
}
