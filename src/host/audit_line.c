#include "host/audit_line.h"

#include "base/check.h"
#include "base/printable.h"
#include "host/instance_name.h"
#include "policy/host_name.h"
#include "record/json_fields.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { COMMAND_CAP = 4096 };

static const char *text_of(const json_t *record, const char *key)
{
    const char *text = json_string_value(json_object_get(record, key));
    return text ? text : "";
}

static void add_text(struct buffer *out, const char *before, const char *text)
{
    if (*text == '\0')
        return;
    CHECK(buffer_append_text(out, before));
    printable_append(out, bytes_from_text(text));
}

/* RFC 3339 in UTC becomes the user's own time; anything else is shown as it is. */
static void add_time(struct buffer *out, const char *text)
{
    struct tm moment = {0};
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &moment);
    char shown[32];
    time_t seconds = rest ? timegm(&moment) : 0;
    struct tm local;
    if (rest && localtime_r(&seconds, &local) &&
        strftime(shown, sizeof(shown), "%F %T", &local) > 0)
        CHECK(buffer_append_text(out, shown));
    else
        add_text(out, "", *text ? text : "-");
}

static void add_number(struct buffer *out, const json_t *record, const char *key,
                       const char *format_before, const char *after)
{
    const json_t *value = json_object_get(record, key);
    if (json_is_integer(value))
        CHECK(buffer_append_format(out, "%s%lld%s", format_before,
                                   (long long)json_integer_value(value), after));
}

/* Only a name in its canonical form is put into a command that a user may copy. */
static bool is_plain_name(const char *text)
{
    struct host_name name;
    return host_name_parse(bytes_from_text(text), &name) == HOST_NAME_FINE &&
           strcmp(name.text, text) == 0;
}

/* Method and path that a shell takes as they are between double quotes. */
static bool is_plain_rule_part(const char *text)
{
    static const char alphabet[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                   "/-._~@:+,=&?";
    size_t length = strlen(text);
    return length > 0 && length < 512 && strspn(text, alphabet) == length;
}

/* Paths are shown with their query; rules leave it out. */
static void add_rule(struct buffer *out, const json_t *record, const char *name, int port)
{
    const char *method = text_of(record, "method");
    const char *path = text_of(record, "path");
    size_t path_length = strcspn(path, "?");
    char path_only[512] = "";
    bool has_request = strcmp(text_of(record, "kind"), "http") == 0 && is_plain_rule_part(method) &&
                       path_length < sizeof(path_only);
    if (has_request)
        snprintf(path_only, sizeof(path_only), "%.*s", (int)path_length, path);
    has_request = has_request && is_plain_rule_part(path_only);
    char port_text[16] = "";
    if (port > 0)
        snprintf(port_text, sizeof(port_text), ":%d", port);
    if (has_request)
        CHECK(buffer_append_format(out, "\"%s%s %s %s\"", name, port_text, method, path_only));
    else
        CHECK(buffer_append_format(out, "%s%s", name, port_text));
}

static void add_command(struct buffer *out, const json_t *record, struct audit_line_view *view)
{
    const char *kind = text_of(record, "kind"), *name = text_of(record, "name");
    json_int_t port = json_integer_value(json_object_get(record, "port"));
    bool is_ssh = strcmp(kind, "ssh") == 0 || strcmp(kind, "connect") == 0;
    bool is_known =
        is_ssh || strcmp(kind, "dns") == 0 || strcmp(kind, "tls") == 0 || strcmp(kind, "http") == 0;
    if (!is_known || !is_plain_name(name))
        return;
    bool is_default = strcmp(view->instance_name, INSTANCE_NAME_DEFAULT) == 0;
    json_int_t usual = is_ssh ? 22 : 443;
    bool has_port = port > 0 && port < 65536 && port != usual && strcmp(kind, "dns") != 0;
    struct buffer command;
    buffer_init(&command, COMMAND_CAP);
    CHECK(buffer_append_format(&command, "    to allow it: rootcell %s%s%sallow %s",
                               is_default ? "" : "-i ", is_default ? "" : view->instance_name,
                               is_default ? "" : " ", is_ssh ? "--ssh " : ""));
    add_rule(&command, record, name, has_port ? (int)port : 0);
    CHECK(buffer_append_text(&command, "\n"));
    uint64_t hash = bytes_hash(buffer_bytes(&command));
    if (hash != view->last_command)
        CHECK(buffer_append(out, buffer_bytes(&command)));
    view->last_command = hash;
    buffer_done(&command);
}

static void add_readable(struct buffer *out, const json_t *record, struct audit_line_view *view)
{
    const char *decision = text_of(record, "decision");
    add_time(out, text_of(record, "time"));
    add_text(out, " ", *decision ? decision : "-");
    add_text(out, strlen(decision) < 5 ? "  " : " ", text_of(record, "kind"));
    add_text(out, " ", text_of(record, "name"));
    add_number(out, record, "port", ":", "");
    add_text(out, " ", text_of(record, "method"));
    add_text(out, " ", text_of(record, "path"));
    add_number(out, record, "status", " -> ", "");
    add_number(out, record, "sent", " sent ", "");
    add_number(out, record, "received", " received ", "");
    add_number(out, record, "duration_ms", " in ", " ms");
    add_text(out, " | ", text_of(record, "reason"));
    add_text(out, " | rule: ", text_of(record, "rule"));
    add_text(out, " | ", text_of(record, "detail"));
    add_number(out, record, "count", " (", " times)");
    CHECK(buffer_append_text(out, "\n"));
    if (strcmp(decision, "deny") == 0)
        add_command(out, record, view);
}

static void add_json(struct buffer *out, const json_t *record)
{
    char *text = json_dumps(record, JSON_COMPACT | JSON_ENSURE_ASCII);
    /* DEL is ASCII and stands in texts only, but a terminal obeys it. */
    for (const char *byte = text; byte && *byte; byte++)
        CHECK(*byte == 0x7f ? buffer_append_text(out, "\\u007F")
                            : buffer_append_byte(out, (uint8_t)*byte));
    CHECK(text == NULL || buffer_append_byte(out, '\n'));
    free(text);
}

void audit_line_append(struct buffer *out, struct bytes line, struct audit_line_view *view)
{
    struct error why;
    if (line.length == 0)
        return;
    json_t *record = json_fields_load(line, &why);
    if (record == NULL) {
        if (view->is_json || view->is_denied_only)
            return;
        CHECK(buffer_append_text(out, "not a record: "));
        printable_append(out, bytes_first(line, 200));
        CHECK(buffer_append_text(out, "\n"));
        return;
    }
    bool is_denied = strcmp(text_of(record, "decision"), "deny") == 0;
    if (!view->is_denied_only || is_denied) {
        if (view->is_json)
            add_json(out, record);
        else
            add_readable(out, record, view);
    }
    json_decref(record);
}
