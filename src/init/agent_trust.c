#include "init/agent_trust.h"

#include <stdlib.h>

#include "base/memory.h"
#include "init/guest_file.h"
#include "system/file.h"

#define LOCAL_CA "/usr/local/share/ca-certificates/rootcell.crt"
#define BUNDLE "/etc/ssl/certs/ca-certificates.crt"

struct variable {
    const char *name;
    const char *value;
};

/* Who reads which was tried with the real clients; node alone does not look at the bundle. */
static const struct variable trust_variables[] = {
    {"AWS_CA_BUNDLE", BUNDLE},        {"CARGO_HTTP_CAINFO", BUNDLE},
    {"CODEX_CA_CERTIFICATE", BUNDLE}, {"CURL_CA_BUNDLE", BUNDLE},
    {"DENO_TLS_CA_STORE", "system"},  {"GIT_SSL_CAINFO", BUNDLE},
    {"NIX_SSL_CERT_FILE", BUNDLE},    {"NODE_EXTRA_CA_CERTS", LOCAL_CA},
    {"NODE_USE_SYSTEM_CA", "1"},      {"PIP_CERT", BUNDLE},
    {"REQUESTS_CA_BUNDLE", BUNDLE},   {"SSL_CERT_FILE", BUNDLE},
    {"UV_SYSTEM_CERTS", "1"},
};

enum { TRUST_COUNT = sizeof(trust_variables) / sizeof(trust_variables[0]) };

/* ---- the store ---- */

/* Append `bundle` to `out` without the first place where `old` stands. */
static bool append_without(struct buffer *out, struct bytes bundle, struct bytes old)
{
    size_t length = old.length;
    for (size_t at = 0; length > 0 && at + length <= bundle.length; at++) {
        if (bytes_equal(bytes_first(bytes_from(bundle, at), length), old))
            return buffer_append(out, bytes_first(bundle, at)) &&
                   buffer_append(out, bytes_from(bundle, at + length));
    }
    return buffer_append(out, bundle);
}

static bool write_store(const char *bundle_path, const char *local_path, struct bytes pem,
                        struct buffer *bundle, struct buffer *old, struct error *error)
{
    struct error ignored;
    if (file_exists(local_path) && !file_read(local_path, old, &ignored))
        buffer_clear(old);
    struct buffer fresh;
    buffer_init(&fresh, GUEST_FILE_LIMIT);
    bool is_good = file_read(bundle_path, bundle, error);
    if (is_good)
        is_good = (append_without(&fresh, buffer_bytes(bundle), buffer_bytes(old)) &&
                   buffer_append(&fresh, pem)) ||
                  error_set(error, "%s: too large", bundle_path);
    is_good = is_good && guest_file_write(bundle_path, 0644, buffer_bytes(&fresh), error) &&
              guest_file_write(local_path, 0644, pem, error);
    buffer_done(&fresh);
    return is_good;
}

bool agent_trust_install_ca(const char *root, struct bytes pem, struct error *error)
{
    CLEANUP_FREE char *bundle_path = memory_format("%s%s", root, BUNDLE);
    CLEANUP_FREE char *local_path = memory_format("%s%s", root, LOCAL_CA);
    struct buffer bundle;
    struct buffer old;
    buffer_init(&bundle, GUEST_FILE_LIMIT);
    buffer_init(&old, GUEST_FILE_LIMIT);
    bool is_good = write_store(bundle_path, local_path, pem, &bundle, &old, error);
    buffer_done(&bundle);
    buffer_done(&old);
    return is_good;
}

/* ---- the environment ---- */

/* How one variable is written into one file: `before`, name, `between`, value, `after`. */
struct environment_style {
    const char *path;
    mode_t mode;
    const char *head;
    const char *before;
    const char *between;
    const char *after;
    const char *tail;
    bool has_values;
};

static const struct environment_style styles[] = {
    {"/etc/environment", 0644,
     "# Written at each start of this VM; add yours to ~/.profile or /etc/profile.d.\n"
     "PATH=\"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\"\n",
     "", "=\"", "\"\n", "", true},
    {"/etc/systemd/system.conf.d/50-rootcell.conf", 0644,
     "# Written at each start of this VM.\n[Manager]\nDefaultEnvironment=", "\"", "=", "\" ", "\n",
     true},
    {"/etc/sudoers.d/50-rootcell-environment", 0440,
     "# Written at each start of this VM.\nDefaults env_keep += \"", "", "", " ",
     "LANG LC_* COLORTERM\"\n", false},
};

/* A value that all three files take as it is: quotes, backslashes and the like are left out. */
static bool is_plain_value(const char *value)
{
    for (; *value != '\0'; value++) {
        if (*value == '"' || *value == '\\' || *value == '$' || *value == '%' || *value == '#')
            return false;
    }
    return true;
}

static bool append_variable(struct buffer *out, const struct environment_style *style,
                            const char *name, const char *value)
{
    if (!is_plain_value(value))
        return true;
    return buffer_append_format(out, "%s%s%s%s%s", style->before, name, style->between,
                                style->has_values ? value : "", style->after);
}

static bool append_all(struct buffer *out, const struct environment_style *style,
                       const struct boot_config *config)
{
    bool has_room = buffer_append_text(out, style->head);
    for (size_t i = 0; has_room && i < TRUST_COUNT; i++)
        has_room = append_variable(out, style, trust_variables[i].name, trust_variables[i].value);
    for (size_t i = 0; has_room && i < config->variable_count; i++)
        has_room =
            append_variable(out, style, config->environment[i].name, config->environment[i].value);
    return has_room && buffer_append_text(out, style->tail);
}

bool agent_trust_write_environment(const char *root, const struct boot_config *config,
                                   struct error *error)
{
    bool is_good = true;
    for (size_t i = 0; is_good && i < sizeof(styles) / sizeof(styles[0]); i++) {
        CLEANUP_FREE char *path = memory_format("%s%s", root, styles[i].path);
        struct buffer text;
        buffer_init(&text, GUEST_FILE_LIMIT);
        is_good = append_all(&text, &styles[i], config)
                      ? guest_file_write(path, styles[i].mode, buffer_bytes(&text), error)
                      : error_set(error, "%s: too large", path);
        buffer_done(&text);
    }
    return is_good;
}
