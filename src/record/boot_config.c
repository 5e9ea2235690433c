#include "record/boot_config.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/number.h"
#include "base/printable.h"
#include "record/json_fields.h"

enum { FORMAT_VERSION = 1, PREFIX_MINIMUM = 8, PREFIX_MAXIMUM = 30 };

static const char *const role_names[] = {
    [BOOT_ROLE_FIREWALL] = "firewall",
    [BOOT_ROLE_AGENT] = "agent",
};

/* ---- values ---- */

static bool is_every_byte(const char *text, bool (*is_allowed)(char))
{
    for (const char *byte = text; *byte != '\0'; byte++) {
        if (!is_allowed(*byte))
            return false;
    }
    return *text != '\0';
}

static bool is_label_byte(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '-';
}

static bool is_instance_byte(char byte)
{
    return is_label_byte(byte) || (byte >= 'A' && byte <= 'Z') || byte == '_' || byte == '.';
}

static bool is_variable_byte(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '_';
}

/* One line without control bytes: it is written into files that are read line by line. */
static bool is_value_byte(char byte)
{
    return (unsigned char)byte >= 0x20 && byte != 0x7f;
}

static bool is_mac(const char *text)
{
    for (size_t i = 0; i < BOOT_CONFIG_MAC_SIZE - 1; i++) {
        bool is_digit = (text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f');
        if (i % 3 == 2 ? text[i] != ':' : !is_digit)
            return false;
    }
    return text[BOOT_CONFIG_MAC_SIZE - 1] == '\0';
}

/* ---- reading ---- */

static bool read_address(const json_t *object, const char *place, const char *key,
                         uint32_t *address, struct error *error)
{
    char text[16];
    if (!json_fields_text(object, place, key, text, sizeof(text), error))
        return false;
    if (!number_parse_ipv4(bytes_from_text(text), address))
        return error_set(error, "%s: \"%s\" is no IPv4 address", place, key);
    return true;
}

static bool read_interface(const json_t *root, const char *key, struct boot_interface *interface,
                           struct error *error)
{
    static const char *const keys[] = {"mac", "address", "prefix", "gateway", NULL};
    const json_t *object = json_object_get(root, key);
    uint64_t prefix;
    if (!json_fields_only(object, key, keys, error) ||
        !json_fields_text(object, key, "mac", interface->mac, sizeof(interface->mac), error) ||
        !read_address(object, key, "address", &interface->address, error) ||
        !read_address(object, key, "gateway", &interface->gateway, error) ||
        !json_fields_number(object, key, "prefix", PREFIX_MINIMUM, PREFIX_MAXIMUM, &prefix, error))
        return false;
    if (!is_mac(interface->mac))
        return error_set(error, "%s: \"mac\" is no MAC address in lower case", key);
    interface->prefix = (uint8_t)prefix;
    uint32_t mask = ~UINT32_C(0) << (32 - prefix);
    if (((interface->address ^ interface->gateway) & mask) != 0)
        return error_set(error, "%s: \"gateway\" is not on the network of \"address\"", key);
    if (interface->address == interface->gateway)
        return error_set(error, "%s: \"gateway\" is \"address\"", key);
    return true;
}

static bool read_layers(const json_t *root, struct boot_config *config, struct error *error)
{
    const json_t *array;
    if (!json_fields_array(root, "boot.json", "layers", BOOT_CONFIG_LAYER_LIMIT, &array, error))
        return false;
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *value = json_array_get(array, i);
        /* 20 bytes is all that a virtio disk can say as its serial number. */
        if (!json_is_string(value) || json_string_length(value) > 20 ||
            !is_every_byte(json_string_value(value), is_label_byte))
            return error_set(error, "layers[%zu]: not 1 to 20 bytes of [a-z0-9-]", i);
        memcpy(config->layers[i], json_string_value(value), json_string_length(value) + 1);
    }
    config->layer_count = json_array_size(array);
    return true;
}

static bool read_environment(const json_t *root, struct boot_config *config, struct error *error)
{
    const json_t *object = json_object_get(root, "environment");
    if (!json_is_object(object))
        return error_set(error, "boot.json: \"environment\" is missing or no object");
    if (json_object_size(object) > BOOT_CONFIG_VARIABLE_LIMIT)
        return error_set(error, "environment: more than %d variables", BOOT_CONFIG_VARIABLE_LIMIT);
    const char *name;
    json_t *value;
    size_t count = 0;
    json_object_foreach((json_t *)object, name, value)
    {
        struct boot_variable *variable = &config->environment[count];
        if (strlen(name) >= sizeof(variable->name) || !is_every_byte(name, is_variable_byte) ||
            (*name >= '0' && *name <= '9')) {
            char shown[64];
            return error_set(error, "environment: \"%s\" is no variable name",
                             printable_text(bytes_from_text(name), shown, sizeof(shown)));
        }
        if (!json_fields_text(object, "environment", name, variable->value, sizeof(variable->value),
                              error))
            return false;
        if (!is_every_byte(variable->value, is_value_byte))
            return error_set(error, "environment: \"%s\" has a control byte", name);
        memcpy(variable->name, name, strlen(name) + 1);
        count++;
    }
    config->variable_count = count;
    return true;
}

static bool read_names(const json_t *root, struct boot_config *config, struct error *error)
{
    if (!json_fields_text(root, "boot.json", "instance", config->instance, sizeof(config->instance),
                          error) ||
        !json_fields_text(root, "boot.json", "hostname", config->hostname, sizeof(config->hostname),
                          error) ||
        !json_fields_number(root, "boot.json", "time_seconds", 0, INT64_MAX, &config->time_seconds,
                            error))
        return false;
    if (!is_every_byte(config->instance, is_instance_byte))
        return error_set(error, "boot.json: \"instance\" is no instance name");
    if (!is_every_byte(config->hostname, is_label_byte) || config->hostname[0] == '-')
        return error_set(error, "boot.json: \"hostname\" is no host name");
    return true;
}

static bool read_firewall(const json_t *root, struct boot_config *config, struct error *error)
{
    static const char *const keys[] = {
        "version",      "role",         "instance",          "hostname",  "link", "control",
        "time_seconds", "upstream_dns", "upstream_dns_port", "recording", NULL};
    uint64_t port;
    if (!json_fields_only(root, "boot.json", keys, error) ||
        !read_interface(root, "control", &config->control, error) ||
        !read_address(root, "boot.json", "upstream_dns", &config->upstream_dns, error) ||
        !json_fields_number(root, "boot.json", "upstream_dns_port", 1, UINT16_MAX, &port, error))
        return false;
    if (strcmp(config->link.mac, config->control.mac) == 0)
        return error_set(error, "control: \"mac\" is the link's as well");
    config->upstream_dns_port = (uint16_t)port;
    /* Written only where it is on: a machine of an older version knows no such key. */
    const json_t *recording = json_object_get(root, "recording");
    if (recording != NULL && !json_is_true(recording))
        return error_set(error, "boot.json: \"recording\" is there and not true");
    config->is_recording = recording != NULL;
    return true;
}

static bool read_agent(const json_t *root, struct boot_config *config, struct error *error)
{
    static const char *const keys[] = {"version",      "role",   "instance",    "hostname", "link",
                                       "time_seconds", "layers", "environment", NULL};
    return json_fields_only(root, "boot.json", keys, error) && read_layers(root, config, error) &&
           read_environment(root, config, error);
}

static bool read_root(const json_t *root, struct boot_config *config, struct error *error)
{
    uint64_t version;
    char role[16];
    if (!json_fields_number(root, "boot.json", "version", FORMAT_VERSION, FORMAT_VERSION, &version,
                            error) ||
        !json_fields_text(root, "boot.json", "role", role, sizeof(role), error) ||
        !read_names(root, config, error) || !read_interface(root, "link", &config->link, error))
        return false;
    if (strcmp(role, role_names[BOOT_ROLE_FIREWALL]) == 0) {
        config->role = BOOT_ROLE_FIREWALL;
        return read_firewall(root, config, error);
    }
    if (strcmp(role, role_names[BOOT_ROLE_AGENT]) == 0) {
        config->role = BOOT_ROLE_AGENT;
        return read_agent(root, config, error);
    }
    return error_set(error, "boot.json: \"role\" is neither firewall nor agent");
}

bool boot_config_parse(struct bytes text, struct boot_config *config, struct error *error)
{
    if (text.length > BOOT_CONFIG_BYTES_LIMIT)
        return error_set(error, "longer than %d bytes", BOOT_CONFIG_BYTES_LIMIT);
    json_t *root = json_fields_load(text, error);
    if (root == NULL)
        return false;
    struct boot_config *read = memory_new(sizeof(*read));
    bool is_good = read_root(root, read, error);
    if (is_good)
        *config = *read;
    free(read);
    json_decref(root);
    return is_good;
}

/* ---- writing ---- */

static json_t *address_value(uint32_t address)
{
    char text[16];
    number_format_ipv4(address, text);
    return json_string(text);
}

static json_t *interface_value(const struct boot_interface *interface)
{
    json_t *object = json_object();
    json_object_set_new(object, "mac", json_string(interface->mac));
    json_object_set_new(object, "address", address_value(interface->address));
    json_object_set_new(object, "prefix", json_integer(interface->prefix));
    json_object_set_new(object, "gateway", address_value(interface->gateway));
    return object;
}

static void add_agent_values(const struct boot_config *config, json_t *root)
{
    json_t *layers = json_array();
    for (size_t i = 0; i < config->layer_count; i++)
        json_array_append_new(layers, json_string(config->layers[i]));
    json_object_set_new(root, "layers", layers);
    json_t *environment = json_object();
    for (size_t i = 0; i < config->variable_count; i++)
        json_object_set_new(environment, config->environment[i].name,
                            json_string(config->environment[i].value));
    json_object_set_new(root, "environment", environment);
}

bool boot_config_encode(const struct boot_config *config, struct buffer *out, struct error *error)
{
    json_t *root = json_object();
    json_object_set_new(root, "version", json_integer(FORMAT_VERSION));
    json_object_set_new(root, "role", json_string(role_names[config->role]));
    json_object_set_new(root, "instance", json_string(config->instance));
    json_object_set_new(root, "hostname", json_string(config->hostname));
    json_object_set_new(root, "time_seconds", json_integer((json_int_t)config->time_seconds));
    json_object_set_new(root, "link", interface_value(&config->link));
    if (config->role == BOOT_ROLE_FIREWALL) {
        json_object_set_new(root, "control", interface_value(&config->control));
        json_object_set_new(root, "upstream_dns", address_value(config->upstream_dns));
        json_object_set_new(root, "upstream_dns_port", json_integer(config->upstream_dns_port));
        if (config->is_recording)
            json_object_set_new(root, "recording", json_true());
    } else {
        add_agent_values(config, root);
    }
    struct buffer text;
    buffer_init(&text, BOOT_CONFIG_BYTES_LIMIT);
    struct boot_config *read = memory_new(sizeof(*read));
    /* What the guest would refuse is refused here, where a user can read the reason. */
    bool is_good = json_fields_dump(root, &text, error) &&
                   boot_config_parse(buffer_bytes(&text), read, error) &&
                   (buffer_append(out, buffer_bytes(&text)) || error_set(error, "no room"));
    free(read);
    buffer_done(&text);
    json_decref(root);
    return is_good;
}
