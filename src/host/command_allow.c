#include "host/command.h"

#include "base/memory.h"
#include "base/printable.h"
#include "host/locked_instance.h"
#include "host/message.h"
#include "host/policy_edit.h"
#include "host/policy_files.h"
#include "host/ssh_session.h"
#include "record/json_fields.h"
#include "system/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ANSWER_CAP = 8 << 20, PAYLOAD_CAP = 64 << 20, ANSWER_TIMEOUT_MS = 20000 };

/* The edit of one file: what stood there, and what will. */
struct edit {
    enum policy_kind kind;
    char *folder, *path; /* owned */
    struct policy_files files;
    struct buffer before; /* of the edited file */
    bool is_changed;
};

static enum policy_kind kind_of(const struct invocation *invocation)
{
    if (invocation_has(invocation, "ssh"))
        return POLICY_SSH;
    return invocation_has(invocation, "dns") ? POLICY_DNS : POLICY_HTTPS;
}

/* One host or rule into the text in memory. */
static bool apply_operand(struct edit *edit, const char *operand, bool is_removal,
                          struct error *error)
{
    struct buffer *text = &edit->files.texts[edit->kind];
    struct buffer after;
    bool is_changed, is_room;
    char shown[300];
    printable_text(bytes_from_text(operand), shown, sizeof(shown));
    struct bytes rule = bytes_trim(bytes_from_text(operand));
    if (rule.length == 0 || rule.data[0] == '#' || strpbrk(operand, "\r\n"))
        return error_set(error, "\"%s\": not a host or rule; see rootcell-policy(5)", shown);
    buffer_init(&after, POLICY_FILE_BYTES_MAX);
    is_room = is_removal ? policy_edit_remove(buffer_bytes(text), rule, &after, &is_changed)
                         : policy_edit_add(buffer_bytes(text), rule, &after, &is_changed);
    if (!is_room || (is_removal && !is_changed)) {
        buffer_done(&after);
        if (!is_room)
            return error_set(error, "%s: would grow too large", edit->path);
        return error_set(error, "\"%s\": no rule of that host in %s", shown, edit->path);
    }
    if (!is_changed)
        message_note("%s: is allowed already", shown);
    edit->is_changed = edit->is_changed || is_changed;
    buffer_done(text);
    *text = after;
    return true;
}

static bool apply_operands(struct edit *edit, const struct invocation *invocation,
                           struct error *error)
{
    bool is_removal = invocation_has(invocation, "remove");
    for (size_t i = 0; i < invocation->operands.count; i++) {
        if (!apply_operand(edit, invocation->operands.texts[i], is_removal, error))
            return false;
    }
    return true;
}

static void print_changes(const json_t *answer, const char *key, char sign)
{
    const json_t *rules = json_object_get(answer, key);
    for (size_t i = 0; i < json_array_size(rules); i++) {
        const char *rule = json_string_value(json_array_get(rules, i));
        char shown[2600];
        printf("%c %s\n", sign,
               printable_text(bytes_from_text(rule ? rule : ""), shown, sizeof(shown)));
    }
}

static bool read_answer(const struct buffer *text, struct error *error)
{
    json_t *answer = json_fields_load(buffer_bytes(text), error);
    if (answer == NULL)
        return error_add_context(error, "answer of the firewall");
    bool is_taken = json_is_true(json_object_get(answer, "ok"));
    if (is_taken) {
        print_changes(answer, "removed", '-');
        print_changes(answer, "added", '+');
        if (json_array_size(json_object_get(answer, "added")) +
                json_array_size(json_object_get(answer, "removed")) ==
            0)
            printf("no rule changed; the policy is in force\n");
    } else {
        const char *why = json_string_value(json_object_get(answer, "error"));
        char shown[600];
        error_set(
            error, "the firewall refuses the policy: %s",
            printable_text(bytes_from_text(why ? why : "no reason given"), shown, sizeof(shown)));
    }
    json_decref(answer);
    return is_taken;
}

static bool send_policy(const struct instance *instance, const struct policy_files *files,
                        struct error *error)
{
    struct buffer payload, answer;
    buffer_init(&payload, PAYLOAD_CAP);
    buffer_init(&answer, ANSWER_CAP);
    int status;
    bool is_sent = policy_files_encode(files, &payload, error);
    struct ssh_session_command command = {
        .role = VM_ROLE_FIREWALL,
        .command = "exec rootcell-firewall control /run/firewall.sock policy",
        .input = buffer_bytes(&payload),
        .output = &answer,
        .timeout_ms = ANSWER_TIMEOUT_MS,
    };
    is_sent = is_sent && ssh_session_execute(instance, &command, &status, error);
    if (is_sent && buffer_length(&answer) == 0)
        is_sent = error_set(error, "the firewall gives no answer (status %d)", status);
    is_sent = is_sent && read_answer(&answer, error);
    buffer_done(&payload);
    buffer_done(&answer);
    return is_sent;
}

/* Into the running firewall; the file first, and back to what it was when it is refused. */
static bool put_in_force(const struct instance *instance, struct edit *edit, struct error *error)
{
    if (edit->is_changed &&
        !file_write_atomic(edit->path, buffer_bytes(&edit->files.texts[edit->kind]), 0600, error))
        return false;
    if (instance_vm_process(instance, VM_ROLE_FIREWALL) == 0) {
        message_note("the firewall VM does not run: the policy is in force when it starts");
        return true;
    }
    bool is_connected = ssh_session_is_connected(instance, VM_ROLE_FIREWALL) ||
                        ssh_session_connect(instance, VM_ROLE_FIREWALL, error);
    if (is_connected && send_policy(instance, &edit->files, error))
        return true;
    struct error ignored;
    if (edit->is_changed &&
        !file_write_atomic(edit->path, buffer_bytes(&edit->before), 0600, &ignored))
        message_note("%s: could not be put back: %s", edit->path, ignored.text);
    return false;
}

static bool run_edit(const struct invocation *invocation, const struct instance *instance,
                     struct edit *edit, struct error *error)
{
    if (!policy_files_read(edit->folder, &edit->files, error))
        return false;
    struct policy *policy = NULL;
    bool is_good = buffer_append(&edit->before, buffer_bytes(&edit->files.texts[edit->kind])) &&
                   apply_operands(edit, invocation, error) &&
                   policy_files_compile(&edit->files, edit->folder, &policy, error);
    policy_free(policy);
    is_good = is_good && put_in_force(instance, edit, error);
    policy_files_done(&edit->files);
    return is_good;
}

static bool edit_instance(const struct invocation *invocation, const struct instance *instance,
                          struct error *error)
{
    struct edit edit = {.kind = kind_of(invocation)};
    edit.folder = instance_path(instance, "proxy");
    edit.path = memory_format("%s/%s", edit.folder, policy_files_name(edit.kind));
    buffer_init(&edit.before, POLICY_FILE_BYTES_MAX);
    bool is_done = run_edit(invocation, instance, &edit, error);
    buffer_done(&edit.before);
    free(edit.folder);
    free(edit.path);
    return is_done;
}

int command_allow(const struct invocation *invocation)
{
    struct locked_instance locked;
    struct error error;
    if (invocation_has(invocation, "ssh") && invocation_has(invocation, "dns")) {
        message_note("allow: --ssh and --dns name two files; give one of them");
        return EXIT_STATUS_USAGE;
    }
    bool is_open =
        locked_instance_open(&locked, invocation->instance, LOCKED_INSTANCE_MAKE, &error);
    bool is_done = is_open && edit_instance(invocation, &locked.instance, &error);
    if (is_open)
        locked_instance_close(&locked);
    return command_finish(is_done, "allow (nothing was changed)", &error);
}
