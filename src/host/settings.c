#include "host/settings.h"

#include "base/check.h"
#include "base/number.h"
#include "base/printable.h"

#include <stdio.h>
#include <string.h>

#define MEBIBYTE ((uint64_t)1 << 20)
#define GIBIBYTE ((uint64_t)1 << 30)

/* Each kind of value has one reader; what it allows stands in the row, for the error. */
struct row {
    const char *name;
    bool (*read)(struct bytes value, void *member);
    size_t offset;
    const char *allowed;
};

static bool read_text(struct bytes value, char *text, size_t size)
{
    if (value.length >= size)
        return false;
    for (size_t i = 0; i < value.length; i++) {
        if (value.data[i] < 0x20 || value.data[i] == 0x7f)
            return false;
    }
    snprintf(text, size, "%.*s", (int)value.length, (const char *)value.data);
    return true;
}

static bool has_only(struct bytes value, const char *alphabet)
{
    for (size_t i = 0; i < value.length; i++) {
        if (value.data[i] == '\0' || strchr(alphabet, value.data[i]) == NULL)
            return false;
    }
    return true;
}

static bool read_region(struct bytes value, void *member)
{
    return has_only(value, "abcdefghijklmnopqrstuvwxyz0123456789-") &&
           read_text(value, member, sizeof(((struct settings *)0)->aws_region));
}

static bool read_network(struct bytes value, void *member)
{
    uint32_t address;
    if (!number_parse_ipv4(value, &address) || (address & 0xff) != 0)
        return false;
    *(uint32_t *)member = address;
    return true;
}

static bool read_address(struct bytes value, void *member)
{
    return number_parse_ipv4(value, member);
}

static bool read_prefix(struct bytes value, void *member)
{
    uint64_t number;
    if (!number_parse_decimal(value, 30, &number) || number < 8)
        return false;
    *(uint32_t *)member = (uint32_t)number;
    return true;
}

/* A folder or program: the shell would have replaced ~, a file of settings does not. */
static bool read_path(struct bytes value, void *member)
{
    return value.data[0] == '/' && read_text(value, member, SETTINGS_TEXT_SIZE);
}

static bool read_program(struct bytes value, void *member)
{
    return value.data[0] != '-' && read_text(value, member, SETTINGS_TEXT_SIZE);
}

static bool read_url(struct bytes value, void *member)
{
    return bytes_start_with(value, BYTES_LITERAL("https://")) &&
           read_text(value, member, SETTINGS_TEXT_SIZE);
}

static bool read_cpus(struct bytes value, void *member)
{
    uint64_t number;
    if (!number_parse_decimal(value, 64, &number) || number == 0)
        return false;
    *(uint32_t *)member = (uint32_t)number;
    return true;
}

static bool read_size(struct bytes value, uint64_t minimum, uint64_t maximum, void *member)
{
    uint64_t size;
    if (!number_parse_size(value, MEBIBYTE, maximum, &size) || size < minimum)
        return false;
    *(uint64_t *)member = size / MEBIBYTE * MEBIBYTE;
    return true;
}

static bool read_agent_memory(struct bytes value, void *member)
{
    return read_size(value, 512 * MEBIBYTE, 1024 * GIBIBYTE, member);
}

static bool read_firewall_memory(struct bytes value, void *member)
{
    return read_size(value, 96 * MEBIBYTE, 16 * GIBIBYTE, member);
}

static bool read_disk(struct bytes value, void *member)
{
    return read_size(value, 4 * GIBIBYTE, 64 * 1024 * GIBIBYTE, member);
}

static bool read_accelerator(struct bytes value, void *member)
{
    static const char *const names[] = {
        [SETTINGS_ACCELERATOR_AUTO] = "auto",
        [SETTINGS_ACCELERATOR_KVM] = "kvm",
        [SETTINGS_ACCELERATOR_HVF] = "hvf",
        [SETTINGS_ACCELERATOR_TCG] = "tcg",
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (bytes_equal_text(value, names[i])) {
            *(enum settings_accelerator *)member = (enum settings_accelerator)i;
            return true;
        }
    }
    return false;
}

static bool read_switch(struct bytes value, void *member)
{
    *(bool *)member = bytes_equal_text(value, "on");
    return *(bool *)member || bytes_equal_text(value, "off");
}

/* Address and port lie in two members: the address comes first, the port after it. */
static bool read_dns(struct bytes value, void *member)
{
    struct settings *settings =
        (struct settings *)((char *)member - offsetof(struct settings, upstream_dns));
    struct bytes rest = value, address_text;
    uint32_t address;
    uint64_t port = 53;
    bytes_next_token(&rest, ':', &address_text);
    if (!number_parse_ipv4(address_text, &address) || address == 0)
        return false;
    if (address_text.length < value.length &&
        (!number_parse_decimal(bytes_from(value, address_text.length + 1), 65535, &port) ||
         port == 0))
        return false;
    settings->upstream_dns = address;
    settings->upstream_dns_port = (uint16_t)port;
    return true;
}

/* Debian policy 5.6.1: lower case, digits, + - and a dot, two characters at least. */
static bool is_package_name(struct bytes name)
{
    return name.length >= 2 && name.length <= 100 &&
           has_only(name, "abcdefghijklmnopqrstuvwxyz0123456789+-.") && name.data[0] != '-' &&
           name.data[0] != '+' && name.data[0] != '.';
}

static bool read_packages(struct bytes value, void *member)
{
    char names[SETTINGS_TEXT_SIZE];
    size_t length = 0;
    struct bytes word;
    while (bytes_next_token(&value, ' ', &word)) {
        if (word.length == 0)
            continue;
        if (!is_package_name(word) || length + word.length + 2 > sizeof(names))
            return false;
        length += (size_t)snprintf(names + length, sizeof(names) - length, "%s%.*s",
                                   length ? " " : "", (int)word.length, (const char *)word.data);
    }
    names[length] = '\0';
    snprintf(member, SETTINGS_TEXT_SIZE, "%s", names);
    return true;
}

#define MEMBER(name) offsetof(struct settings, name)

static const struct row rows[] = {
    {"AWS_REGION", read_region, MEMBER(aws_region), "a region such as eu-west-1"},
    {"ROOTCELL_SUBNET_POOL_START", read_network, MEMBER(pool_start),
     "an IPv4 network that ends in .0"},
    {"ROOTCELL_SUBNET_POOL_END", read_network, MEMBER(pool_end), "an IPv4 network that ends in .0"},
    {"FIREWALL_IP", read_address, MEMBER(firewall_ip), "an IPv4 address"},
    {"AGENT_IP", read_address, MEMBER(agent_ip), "an IPv4 address"},
    {"NETWORK_PREFIX", read_prefix, MEMBER(network_prefix), "8 to 30"},
    {"ROOTCELL_IMAGE_DIR", read_path, MEMBER(image_directory), "a full path"},
    {"ROOTCELL_IMAGE_MANIFEST_URL", read_url, MEMBER(image_manifest_url), "an https:// URL"},
    {"ROOTCELL_AGENT_CPUS", read_cpus, MEMBER(agent_cpus), "1 to 64"},
    {"ROOTCELL_AGENT_MEMORY", read_agent_memory, MEMBER(agent_memory_bytes),
     "512M to 1024G (plain numbers are MiB)"},
    {"ROOTCELL_AGENT_DISK", read_disk, MEMBER(agent_disk_bytes),
     "4G to 65536G (plain numbers are MiB)"},
    {"ROOTCELL_FIREWALL_MEMORY", read_firewall_memory, MEMBER(firewall_memory_bytes),
     "96M to 16G (plain numbers are MiB)"},
    {"ROOTCELL_RECORDING", read_switch, MEMBER(is_recording), "on or off"},
    {"ROOTCELL_ACCEL", read_accelerator, MEMBER(accelerator), "auto, kvm, hvf or tcg"},
    {"ROOTCELL_UPSTREAM_DNS", read_dns, MEMBER(upstream_dns), "ADDRESS or ADDRESS:PORT, IPv4"},
    {"ROOTCELL_UPSTREAM_CA", read_path, MEMBER(upstream_ca), "the full path of a PEM file"},
    {"ROOTCELL_AGENT_PACKAGES", read_packages, MEMBER(agent_packages),
     "names of Debian packages, separated by spaces"},
    {"ROOTCELL_QEMU", read_program, MEMBER(qemu), "a program"},
    {"ROOTCELL_QEMU_IMG", read_program, MEMBER(qemu_img), "a program"},
    {"ROOTCELL_SSH", read_program, MEMBER(ssh), "a program"},
};

enum { ROW_COUNT = sizeof(rows) / sizeof(rows[0]) };

const char *settings_name(size_t index)
{
    return index < ROW_COUNT ? rows[index].name : NULL;
}

void settings_set_defaults(struct settings *settings)
{
    *settings = (struct settings){
        .pool_start = 0xc0a86400, /* 192.168.100.0 */
        .pool_end = 0xc0a8fe00,   /* 192.168.254.0 */
        .network_prefix = 24,
        .agent_memory_bytes = 2 * GIBIBYTE,
        .agent_disk_bytes = 40 * GIBIBYTE,
        .firewall_memory_bytes = 96 * MEBIBYTE,
        .accelerator = SETTINGS_ACCELERATOR_AUTO,
        .upstream_dns_port = 53,
    };
}

bool settings_set(struct settings *settings, const char *name, struct bytes value, bool *is_known,
                  struct error *error)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (strcmp(rows[i].name, name) != 0)
            continue;
        *is_known = true;
        if (value.length == 0) /* NAME= leaves the default */
            return true;
        if (rows[i].read(value, (char *)settings + rows[i].offset))
            return true;
        char shown[120];
        return error_set(error, "%s is \"%s\"; allowed: %s", name,
                         printable_text(value, shown, sizeof(shown)), rows[i].allowed);
    }
    *is_known = false;
    return true;
}

static bool is_name_character(uint8_t byte, bool is_first)
{
    bool is_letter = (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') || byte == '_';
    return is_letter || (!is_first && byte >= '0' && byte <= '9');
}

/* The value as a shell would see it: one pair of quotes, or up to a comment. */
static bool read_value(struct bytes text, struct bytes *value, struct error *error)
{
    text = bytes_trim(text);
    uint8_t quote = text.length > 0 ? text.data[0] : 0;
    if (quote != '"' && quote != '\'') {
        size_t end = 0;
        while (end < text.length &&
               !(text.data[end] == '#' &&
                 (end == 0 || text.data[end - 1] == ' ' || text.data[end - 1] == '\t')))
            end++;
        *value = bytes_trim(bytes_first(text, end));
        return true;
    }
    struct bytes inner = bytes_from(text, 1);
    size_t length = bytes_index_of(inner, quote);
    if (length == inner.length)
        return error_set(error, "a quote is not closed");
    struct bytes after = bytes_trim(bytes_from(inner, length + 1));
    if (after.length > 0 && after.data[0] != '#')
        return error_set(error, "something stands after the closing quote");
    *value = bytes_first(inner, length);
    return true;
}

static bool parse_line(struct bytes line, struct settings *settings, struct error *error)
{
    line = bytes_trim(line);
    if (line.length > 0 && line.data[line.length - 1] == '\r')
        line = bytes_trim(bytes_first(line, line.length - 1));
    if (line.length == 0 || line.data[0] == '#')
        return true;
    if (bytes_start_with(line, BYTES_LITERAL("export ")))
        line = bytes_trim(bytes_from(line, strlen("export ")));
    char name[64], shown[120];
    size_t length = 0;
    while (length < line.length && is_name_character(line.data[length], length == 0))
        length++;
    if (length == 0 || length >= sizeof(name) || length == line.length || line.data[length] != '=')
        return error_set(error, "\"%s\" is no setting; allowed: NAME=VALUE, a # comment",
                         printable_text(line, shown, sizeof(shown)));
    snprintf(name, sizeof(name), "%.*s", (int)length, (const char *)line.data);
    struct bytes value;
    bool is_known;
    if (!read_value(bytes_from(line, length + 1), &value, error))
        return error_add_context(error, "%s", name);
    if (!settings_set(settings, name, value, &is_known, error))
        return false;
    if (!is_known && strncmp(name, "ROOTCELL_", strlen("ROOTCELL_")) == 0)
        return error_set(error, "%s: no such setting; rootcell-env(5) lists them", name);
    return true;
}

bool settings_parse(struct bytes text, const char *file, struct settings *settings,
                    struct error *error)
{
    struct settings parsed = *settings;
    struct bytes line;
    for (unsigned number = 1; bytes_next_token(&text, '\n', &line); number++) {
        if (!parse_line(line, &parsed, error))
            return error_add_context(error, "%s:%u", file, number);
    }
    *settings = parsed;
    return true;
}

bool settings_check(const struct settings *settings, struct error *error)
{
    if (settings->pool_start > settings->pool_end)
        return error_set(error, "ROOTCELL_SUBNET_POOL_START lies after ROOTCELL_SUBNET_POOL_END; "
                                "set both so that the pool has at least one network");
    if ((settings->firewall_ip == 0) != (settings->agent_ip == 0))
        return error_set(error, "only one of FIREWALL_IP and AGENT_IP is set; set both or none");
    if (settings->firewall_ip == 0)
        return true;
    uint32_t mask = (uint32_t)(0xffffffffULL << (32 - settings->network_prefix));
    uint32_t host_mask = ~mask;
    if ((settings->firewall_ip & mask) != (settings->agent_ip & mask) ||
        settings->firewall_ip == settings->agent_ip)
        return error_set(error, "FIREWALL_IP and AGENT_IP must be two addresses of one network "
                                "of NETWORK_PREFIX bits");
    if ((settings->firewall_ip & host_mask) == 0 || (settings->agent_ip & host_mask) == 0 ||
        (settings->firewall_ip & host_mask) == host_mask ||
        (settings->agent_ip & host_mask) == host_mask)
        return error_set(error, "FIREWALL_IP and AGENT_IP may not be the first or last address of "
                                "their network");
    return true;
}
