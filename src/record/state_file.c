#include "record/state_file.h"

#include "base/number.h"
#include "record/json_fields.h"

#include <stdio.h>
#include <string.h>

static const char *const keys[] = {"version",           "firewall_ip", "agent_ip", "prefix",
                                   "ssh_port",          "image",       "runtime",  "provisioned",
                                   "old_layout_copied", NULL};

/* jansson's errors are allocation failures and texts that are no UTF-8. */
static bool set(json_t *object, const char *key, json_t *value)
{
    return json_object_set_new(object, key, value) == 0;
}

bool state_file_encode(const struct state_file *state, struct buffer *out, struct error *error)
{
    char firewall_ip[16], agent_ip[16];
    number_format_ipv4(state->firewall_ip, firewall_ip);
    number_format_ipv4(state->agent_ip, agent_ip);
    json_t *root = json_object();
    bool is_whole =
        set(root, "version", json_integer(STATE_FILE_VERSION)) &&
        set(root, "firewall_ip", json_string(firewall_ip)) &&
        set(root, "agent_ip", json_string(agent_ip)) &&
        set(root, "prefix", json_integer(state->prefix)) &&
        set(root, "ssh_port", json_integer(state->ssh_port)) &&
        set(root, "old_layout_copied", json_boolean(state->is_old_layout_copied)) &&
        (!*state->image || set(root, "image", json_string(state->image))) &&
        (!*state->runtime || set(root, "runtime", json_string(state->runtime))) &&
        (!*state->provisioned || set(root, "provisioned", json_string(state->provisioned)));
    bool is_done = is_whole ? json_fields_dump(root, out, error)
                            : error_set(error, "a text of the state is no UTF-8");
    json_decref(root);
    return is_done;
}

static bool read_address(const json_t *root, const char *key, uint32_t *address,
                         struct error *error)
{
    char text[32];
    if (!json_fields_text(root, "state", key, text, sizeof(text), error))
        return false;
    if (!number_parse_ipv4(bytes_from_text(text), address))
        return error_set(error, "%s is no IPv4 address", key);
    return true;
}

static bool read_optional(const json_t *root, const char *key, char *text, size_t size,
                          struct error *error)
{
    return json_object_get(root, key) == NULL ||
           json_fields_text(root, "state", key, text, size, error);
}

static bool read_all(const json_t *root, struct state_file *state, struct error *error)
{
    uint64_t version, prefix, port;
    if (!json_fields_only(root, "state", keys, error) ||
        !json_fields_number(root, "state", "version", STATE_FILE_VERSION, STATE_FILE_VERSION,
                            &version, error) ||
        !read_address(root, "firewall_ip", &state->firewall_ip, error) ||
        !read_address(root, "agent_ip", &state->agent_ip, error) ||
        !json_fields_number(root, "state", "prefix", 8, 30, &prefix, error) ||
        !json_fields_number(root, "state", "ssh_port", 0, 65535, &port, error) ||
        !read_optional(root, "image", state->image, sizeof(state->image), error) ||
        !read_optional(root, "runtime", state->runtime, sizeof(state->runtime), error) ||
        !read_optional(root, "provisioned", state->provisioned, sizeof(state->provisioned), error))
        return false;
    state->prefix = (uint32_t)prefix;
    state->ssh_port = (uint16_t)port;
    state->is_old_layout_copied = json_is_true(json_object_get(root, "old_layout_copied"));
    return true;
}

bool state_file_parse(struct bytes text, struct state_file *state, struct error *error)
{
    json_t *root = json_fields_load(text, error);
    if (root == NULL)
        return false;
    struct state_file parsed = {0};
    bool is_read = read_all(root, &parsed, error);
    json_decref(root);
    if (is_read)
        *state = parsed;
    return is_read;
}
