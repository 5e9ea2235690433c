#include "host/command.h"

#include "base/memory.h"
#include "host/cell.h"
#include "host/locked_instance.h"
#include "host/message.h"
#include "host/policy_files.h"
#include "host/selftest.h"
#include "host/ssh_session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OUTPUT_CAP = 64 * 1024, TIMEOUT_MS = 180000, HTTPS_PORT = 443 };

/* A name of the policy that is allowed on its own, and whether its first page may be read. */
struct control {
    struct host_name name;
    bool is_found, may_get;
};

static bool may_get(const struct policy *policy, const struct host_name *name)
{
    return policy_decide_http(policy, name, HTTPS_PORT, BYTES_LITERAL("GET"), BYTES_LITERAL("/"))
        .is_allowed;
}

/* The first exact name whose page may be read; without one, the first exact name. */
static void choose_control(const struct policy *policy, struct control *control)
{
    *control = (struct control){0};
    for (size_t i = 0; i < policy_rule_count(policy) && !control->may_get; i++) {
        const struct policy_rule *rule = policy_rule_at(policy, i);
        struct bytes text = bytes_from_text(rule->text), word;
        struct host_name name;
        bytes_next_token(&text, ' ', &word);
        if (rule->kind != POLICY_HTTPS || rule->port != HTTPS_PORT ||
            host_name_parse(word, &name) != HOST_NAME_FINE)
            continue;
        bool is_readable = may_get(policy, &name);
        if (!control->is_found || is_readable)
            *control = (struct control){name, true, is_readable};
    }
}

static bool find_control(const struct instance *instance, struct control *control,
                         struct error *error)
{
    CLEANUP_FREE char *folder = instance_path(instance, "proxy");
    struct policy_files *files = memory_new(sizeof(*files));
    struct policy *policy = NULL;
    bool is_read = policy_files_read(folder, files, error);
    bool is_compiled = is_read && policy_files_compile(files, folder, &policy, error);
    if (is_compiled)
        choose_control(policy, control);
    if (is_compiled)
        policy_free(policy);
    if (is_read)
        policy_files_done(files);
    free(files);
    return is_compiled;
}

static bool attack(const struct instance *instance, const struct control *control,
                   struct selftest_report *report, struct error *error)
{
    /* The name is canonical: letters, digits, dots and hyphens, nothing that a shell would read. */
    CLEANUP_FREE char *line =
        memory_format("exec sudo -n /usr/bin/python3 -I - %s %s",
                      control->is_found ? control->name.text : "-", control->may_get ? "get" : "-");
    struct buffer output;
    buffer_init(&output, OUTPUT_CAP);
    struct ssh_session_command command = {
        .role = VM_ROLE_AGENT,
        .command = line,
        .input = selftest_script(),
        .output = &output,
        .timeout_ms = TIMEOUT_MS,
    };
    bool is_done = ssh_session_execute_well(instance, &command, "run the attacks", error);
    if (is_done)
        selftest_read(buffer_bytes(&output), report);
    buffer_done(&output);
    return is_done;
}

static void print_text(const struct selftest_report *report)
{
    printf("%-8s %-38s %-28s %s\n", "verdict", "attack", "expected", "seen");
    for (size_t i = 0; selftest_attacks[i].row; i++)
        printf("%-8s %-38s %-28s %s\n", selftest_verdict_name(report->verdicts[i]),
               selftest_attacks[i].text, selftest_attacks[i].expected, report->seen[i]);
}

/* RFC 8259 section 7. The text is printable UTF-8: only quotes and backslashes need more. */
static void print_json_text(const char *text)
{
    putchar('"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            putchar('\\');
        putchar(*text);
    }
    putchar('"');
}

static void print_json(const struct selftest_report *report)
{
    printf("[");
    for (size_t i = 0; selftest_attacks[i].row; i++) {
        const struct selftest_attack *row = &selftest_attacks[i];
        printf("%s\n  {\"row\":\"%s\",\"attack\":\"%s\",\"expected\":\"%s\",\"seen\":",
               i > 0 ? "," : "", row->row, row->text, row->expected);
        print_json_text(report->seen[i]);
        printf(",\"verdict\":\"%s\"}", selftest_verdict_name(report->verdicts[i]));
    }
    printf("\n]\n");
}

int command_selftest(const struct invocation *invocation)
{
    struct locked_instance locked;
    struct control control;
    struct error error;
    struct selftest_report *report = memory_new(sizeof(*report));
    bool is_open =
        locked_instance_open(&locked, invocation->instance, LOCKED_INSTANCE_EXISTING, &error);
    bool is_done = is_open && cell_ensure_running(&locked.instance, &error) &&
                   find_control(&locked.instance, &control, &error) &&
                   attack(&locked.instance, &control, report, &error);
    if (is_open)
        locked_instance_close(&locked);
    if (is_done && invocation_has(invocation, "json"))
        print_json(report);
    else if (is_done)
        print_text(report);
    bool is_held = !is_done || selftest_is_held(report);
    free(report);
    if (!is_held)
        error_set(&error, "an attack got through, or could not be shown to fail");
    return command_finish(is_done && is_held, "selftest", &error);
}
