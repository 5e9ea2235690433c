#include "firewall/policy_reload.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "firewall/policy_bundle.h"
#include "firewall/policy_folder.h"
#include "firewall/role_message.h"
#include "firewall/supervisor.h"
#include "system/wall_clock.h"

enum { IN_FORCE_TIMEOUT_MS = 5000 };

static bool has_ports(const struct link_rules *rules, const uint16_t *ports, size_t count)
{
    return rules->port_count == count && memcmp(rules->ports, ports, count * sizeof(*ports)) == 0;
}

/* Packet rules for these ports; the ones before stay in force on failure. */
static bool open_ports(struct supervisor *supervisor, const uint16_t *ports, size_t count,
                       struct error *error)
{
    if (has_ports(&supervisor->rules, ports, count))
        return true;
    struct link_rules rules = supervisor->rules;
    memcpy(rules.ports, ports, count * sizeof(*ports));
    rules.port_count = count;
    if (!link_rules_load_filter(&rules, error))
        return false;
    supervisor->rules = rules;
    return true;
}

static void close_ports(struct supervisor *supervisor, const uint16_t *ports, size_t count)
{
    uint16_t gone[LINK_RULES_PORTS_MAX];
    size_t gone_count = wall_sockets_remove(&supervisor->sockets, ports, count, gone);
    for (size_t i = 0; i < gone_count && supervisor->proxy.process; i++) {
        struct role_message message = {.kind = ROLE_MESSAGE_LISTENER_GONE, .number = gone[i]};
        struct error ignored;
        role_message_send(supervisor->proxy.channel, &message, -1, &ignored);
    }
}

/*
 * The policy is stored already: from here on the supervisor has it, and a proxy that does not
 * confirm it is replaced by one that starts with it.
 */
static void tell_proxy(struct supervisor *supervisor, size_t first_new_listener)
{
    struct error error;
    if (supervisor->proxy.process == 0)
        return;
    if (!supervisor_send_listeners(supervisor, first_new_listener, &error) ||
        !supervisor_send_policy(supervisor, &error) ||
        !supervisor_await_policy(supervisor, supervisor->epoch, IN_FORCE_TIMEOUT_MS)) {
        if (supervisor->proxy.process)
            kill(supervisor->proxy.process, SIGKILL);
    }
}

static void append_rules(struct buffer *text, const char *verb, char **rules, size_t count)
{
    /* The record is cut at its limit anyway. */
    for (size_t i = 0; i < count && buffer_length(text) < AUDIT_DETAIL_MAX; i++)
        if (!buffer_append_format(text, "; %s %s", verb, rules[i]))
            return;
}

static void record_change(struct supervisor *supervisor, const struct policy_difference *difference)
{
    struct buffer text;
    buffer_init(&text, 4 * AUDIT_DETAIL_MAX);
    bool is_good = buffer_append_format(&text, "policy %llu: %zu rules, %zu added, %zu removed",
                                        (unsigned long long)supervisor->epoch,
                                        policy_rule_count(supervisor->policy),
                                        difference->added_count, difference->removed_count);
    append_rules(&text, "added", difference->added, difference->added_count);
    append_rules(&text, "removed", difference->removed, difference->removed_count);
    if (is_good && buffer_append_byte(&text, '\0'))
        supervisor_record(supervisor, AUDIT_POLICY, AUDIT_INFO, "policy in force",
                          (const char *)buffer_bytes(&text).data);
    else
        supervisor_record(supervisor, AUDIT_POLICY, AUDIT_INFO, "policy in force", "");
    buffer_done(&text);
}

/* `bundle` is owned by the supervisor from success on. */
static bool put_in_force(struct supervisor *supervisor, struct buffer *bundle,
                         struct policy *policy, struct control_policy_answer *answer,
                         struct error *error)
{
    uint16_t ports[LINK_RULES_PORTS_MAX];
    size_t port_count = wall_sockets_ports(policy, ports);
    size_t first_new_listener = supervisor->sockets.listener_count;
    if (!wall_sockets_add(&supervisor->sockets, supervisor->options->agent_interface, ports,
                          port_count, error))
        return false;
    if (!open_ports(supervisor, ports, port_count, error)) {
        close_ports(supervisor, supervisor->rules.ports, supervisor->rules.port_count);
        return false;
    }
    struct policy *policy_before = supervisor->policy;
    buffer_done(&supervisor->bundle);
    supervisor->bundle = *bundle;
    buffer_init(bundle, 0);
    supervisor->policy = policy;
    supervisor->epoch++;
    tell_proxy(supervisor, first_new_listener);
    close_ports(supervisor, ports, port_count);

    struct policy_difference difference;
    policy_difference_init(&difference, policy_before, policy);
    record_change(supervisor, &difference);
    *answer = (struct control_policy_answer){
        .epoch = supervisor->epoch,
        .added = difference.added,
        .added_count = difference.added_count,
        .removed = difference.removed,
        .removed_count = difference.removed_count,
    };
    policy_free(policy_before);
    return true;
}

static bool reload(struct supervisor *supervisor, struct buffer *bundle, bool is_stored,
                   struct control_policy_answer *answer, struct error *error)
{
    int64_t start_ms = wall_clock_monotonic_ms();
    struct policy *policy = NULL;
    if (!policy_bundle_compile(buffer_bytes(bundle), &policy, error))
        return false;
    if ((!is_stored &&
         !policy_folder_write(supervisor->options->policy_folder, buffer_bytes(bundle), error)) ||
        !put_in_force(supervisor, bundle, policy, answer, error)) {
        policy_free(policy);
        return false;
    }
    answer->duration_ms = (uint64_t)(wall_clock_monotonic_ms() - start_ms);
    return true;
}

bool policy_reload_folder(struct supervisor *supervisor, struct control_policy_answer *answer,
                          struct error *error)
{
    struct buffer bundle;
    buffer_init(&bundle, POLICY_BUNDLE_BYTES_MAX);
    bool is_good = policy_folder_read(supervisor->options->policy_folder, &bundle, error) &&
                   reload(supervisor, &bundle, true, answer, error);
    buffer_done(&bundle);
    if (!is_good)
        supervisor_record(supervisor, AUDIT_POLICY, AUDIT_DENY, "policy refused", error->text);
    return is_good;
}

bool policy_reload_bundle(struct supervisor *supervisor, struct bytes text,
                          struct control_policy_answer *answer, struct error *error)
{
    struct buffer bundle;
    buffer_init(&bundle, POLICY_BUNDLE_BYTES_MAX);
    bool is_good = buffer_append(&bundle, text) || error_set(error, "the policy is too long");
    is_good = is_good && reload(supervisor, &bundle, false, answer, error);
    buffer_done(&bundle);
    if (!is_good)
        supervisor_record(supervisor, AUDIT_POLICY, AUDIT_DENY, "policy refused", error->text);
    return is_good;
}
