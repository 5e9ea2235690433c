#include "firewall/options.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <string.h>

#include "base/number.h"

enum { DNS_PORT = 53, POOL_PREFIX_MIN = 8, POOL_PREFIX_MAX = 28 };

static bool read_text(const char *value, void *target, struct error *error)
{
    if (value[0] == '\0')
        return error_set(error, "the value is empty");
    *(const char **)target = value;
    return true;
}

static bool read_interface(const char *value, void *target, struct error *error)
{
    size_t length = strlen(value);
    if (length == 0 || length >= IF_NAMESIZE || !strcmp(value, ".") || !strcmp(value, ".."))
        return error_set(error, "'%s' is no name of an interface", value);
    /* The name goes into packet rules: letters that could end a quoted text never get there. */
    for (size_t i = 0; i < length; i++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.@", value[i]))
            return error_set(error, "'%s' is no name of an interface", value);
    *(const char **)target = value;
    return true;
}

static bool read_address_and_port(const char *value, void *target, struct error *error)
{
    struct bytes rest = bytes_from_text(value);
    size_t colon = bytes_index_of(rest, ':');
    uint32_t address = 0;
    uint64_t port = DNS_PORT;
    bool is_good = number_parse_ipv4(bytes_first(rest, colon), &address) && address != 0;
    if (is_good && colon < rest.length)
        is_good = number_parse_decimal(bytes_from(rest, colon + 1), UINT16_MAX, &port) && port != 0;
    if (!is_good)
        return error_set(error, "'%s' is no ADDRESS or ADDRESS:PORT", value);
    struct sockaddr_in socket_address = {.sin_family = AF_INET,
                                         .sin_port = htons((uint16_t)port),
                                         .sin_addr.s_addr = htonl(address)};
    memcpy(target, &socket_address, sizeof(socket_address));
    return true;
}

struct pool_value {
    uint32_t address;
    unsigned prefix;
};

static bool read_pool(const char *value, void *target, struct error *error)
{
    struct bytes rest = bytes_from_text(value);
    size_t slash = bytes_index_of(rest, '/');
    uint32_t address = 0;
    uint64_t prefix = 0;
    if (slash == rest.length || !number_parse_ipv4(bytes_first(rest, slash), &address) ||
        !number_parse_decimal(bytes_from(rest, slash + 1), 32, &prefix))
        return error_set(error, "'%s' is no ADDRESS/PREFIX", value);
    if (prefix < POOL_PREFIX_MIN || prefix > POOL_PREFIX_MAX)
        return error_set(error, "'%s': the prefix must be from %d to %d", value, POOL_PREFIX_MIN,
                         POOL_PREFIX_MAX);
    if (address & (UINT32_MAX >> prefix))
        return error_set(error, "'%s' has bits set after its prefix", value);
    if (address >> 24 == 0 || address >> 24 == 127 || address >> 28 >= 14)
        return error_set(error, "'%s' lies in a range that hosts cannot use", value);
    *(struct pool_value *)target = (struct pool_value){address, (unsigned)prefix};
    return true;
}

enum option_index {
    OPTION_AGENT_INTERFACE,
    OPTION_POLICY,
    OPTION_CA_CERTIFICATE,
    OPTION_CA_KEY,
    OPTION_UPSTREAM_DNS,
    OPTION_UPSTREAM_CA,
    OPTION_RECORDS,
    OPTION_POOL,
    OPTION_CONTROL,
    OPTION_PROVIDERS,
    OPTION_CAPTURE,
    OPTION_RECORDING,
    OPTION_COUNT
};

/* Where each option's value goes; pool is split into two members afterwards. */
struct option_values {
    struct options *options;
    struct pool_value pool;
};

struct option_row {
    const char *name;
    bool is_required;
    /* NULL: it has no value, and its target is a bool. */
    bool (*read)(const char *value, void *target, struct error *error);
};

static const struct option_row option_rows[OPTION_COUNT] = {
    [OPTION_AGENT_INTERFACE] = {"--agent-interface", true, read_interface},
    [OPTION_POLICY] = {"--policy", true, read_text},
    [OPTION_CA_CERTIFICATE] = {"--ca-cert", true, read_text},
    [OPTION_CA_KEY] = {"--ca-key", true, read_text},
    [OPTION_UPSTREAM_DNS] = {"--upstream-dns", true, read_address_and_port},
    [OPTION_UPSTREAM_CA] = {"--upstream-ca", true, read_text},
    [OPTION_RECORDS] = {"--records", true, read_text},
    [OPTION_POOL] = {"--pool", false, read_pool},
    [OPTION_CONTROL] = {"--control", false, read_text},
    [OPTION_PROVIDERS] = {"--providers", false, read_text},
    [OPTION_CAPTURE] = {"--capture", false, read_text},
    [OPTION_RECORDING] = {"--recording", false, NULL},
};

static void *option_target(struct option_values *values, enum option_index index)
{
    struct options *options = values->options;
    void *const targets[OPTION_COUNT] = {
        [OPTION_AGENT_INTERFACE] = &options->agent_interface,
        [OPTION_POLICY] = &options->policy_folder,
        [OPTION_CA_CERTIFICATE] = &options->ca_certificate,
        [OPTION_CA_KEY] = &options->ca_key,
        [OPTION_UPSTREAM_DNS] = &options->upstream_dns,
        [OPTION_UPSTREAM_CA] = &options->upstream_ca,
        [OPTION_RECORDS] = &options->records,
        [OPTION_POOL] = &values->pool,
        [OPTION_CONTROL] = &options->control,
        [OPTION_PROVIDERS] = &options->providers,
        [OPTION_CAPTURE] = &options->capture,
        [OPTION_RECORDING] = &options->is_recording,
    };
    return targets[index];
}

static enum option_index find_option(const char *name, size_t length)
{
    for (int i = 0; i < OPTION_COUNT; i++)
        if (strlen(option_rows[i].name) == length && !memcmp(option_rows[i].name, name, length))
            return (enum option_index)i;
    return OPTION_COUNT;
}

bool options_parse(int count, char *const *arguments, struct options *result, struct error *error)
{
    struct options options = {0};
    struct option_values values = {&options, {0xC6120000, 15}}; /* 198.18.0.0/15, RFC 2544 */
    bool is_given[OPTION_COUNT] = {false};

    for (int i = 0; i < count; i++) {
        const char *argument = arguments[i];
        size_t name_length = strcspn(argument, "=");
        enum option_index index = find_option(argument, name_length);
        if (index == OPTION_COUNT)
            return error_set(error, "unknown argument '%s'", argument);
        const char *name = option_rows[index].name;
        if (is_given[index])
            return error_set(error, "%s is given twice", name);
        is_given[index] = true;
        const char *value = argument + name_length + 1;
        if (option_rows[index].read == NULL) {
            if (argument[name_length] != '\0')
                return error_set(error, "%s has no value", name);
            *(bool *)option_target(&values, index) = true;
            continue;
        }
        if (argument[name_length] == '\0') {
            if (i + 1 >= count)
                return error_set(error, "%s needs a value", name);
            value = arguments[++i];
        }
        if (!option_rows[index].read(value, option_target(&values, index), error))
            return error_add_context(error, "%s", name);
    }
    for (int i = 0; i < OPTION_COUNT; i++)
        if (option_rows[i].is_required && !is_given[i])
            return error_set(error, "%s is missing", option_rows[i].name);
    options.pool_address = values.pool.address;
    options.pool_prefix = values.pool.prefix;
    *result = options;
    return true;
}

const char *options_usage(void)
{
    return "usage: rootcell-firewall --agent-interface IF --policy DIR --ca-cert PEM --ca-key PEM\n"
           "                         --upstream-dns ADDR[:PORT] --upstream-ca PEM --records FILE\n"
           "                         [--pool 198.18.0.0/15] [--control SOCKET]\n"
           "                         [--providers DIR] [--capture FILE] [--recording]\n"
           "       rootcell-firewall control SOCKET REQUEST\n"
           "           REQUEST: policy, status, capture [bodies] [backlog]\n";
}
