#include "firewall/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "firewall/control_server.h"
#include "firewall/policy_bundle.h"
#include "firewall/policy_folder.h"
#include "firewall/policy_reload.h"
#include "firewall/provider_folder.h"
#include "firewall/proxy_role.h"
#include "firewall/recorder.h"
#include "firewall/role_confine.h"
#include "firewall/role_message.h"
#include "system/file.h"
#include "system/linux_landlock.h"
#include "system/linux_socket.h"
#include "system/wall_clock.h"

enum {
    OWN_POLLED = 3, /* signals, the proxy's channel, addresses */
    ALL_POLLED = OWN_POLLED + CONTROL_SERVER_POLLED + SUPERVISOR_CAPTURE_POLLED,
};

void supervisor_record(struct supervisor *supervisor, enum audit_kind kind,
                       enum audit_decision decision, const char *reason, const char *detail)
{
    struct audit_record record = {
        .time_ms = (uint64_t)wall_clock_now_ms(),
        .kind = kind,
        .decision = decision,
        .reason = bytes_from_text(reason),
        .detail = bytes_from_text(detail),
    };
    struct buffer encoded;
    struct buffer datagram;
    buffer_init(&encoded, AUDIT_DATAGRAM_MAX);
    buffer_init(&datagram, AUDIT_BATCH_MAX);
    CHECK(audit_record_encode(&record, &encoded) &&
          buffer_append_u16(&datagram, (uint16_t)buffer_length(&encoded)) &&
          buffer_append(&datagram, buffer_bytes(&encoded)));
    struct bytes bytes = buffer_bytes(&datagram);
    int socket = supervisor->record_sockets[0];
    struct pollfd polled = {.fd = socket, .events = POLLOUT};
    /* The proxy may have filled the queue; our own word is worth a short wait. */
    bool is_sent = poll(&polled, 1, SUPERVISOR_RECORD_MS) > 0 &&
                   send(socket, bytes.data, bytes.length, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
    supervisor->records_dropped += is_sent ? 0 : 1;
    buffer_done(&encoded);
    buffer_done(&datagram);
}

/* --- what the proxy is told, and says ------------------------------------------------------- */

void supervisor_begin_talk(struct supervisor *supervisor, int timeout_ms)
{
    supervisor->talk_end_ms = wall_clock_monotonic_ms() + timeout_ms;
}

bool supervisor_tell_proxy(struct supervisor *supervisor, enum role_message_kind kind,
                           uint64_t number, int descriptor, struct error *error)
{
    struct role_message message = {.kind = kind, .number = number};
    role_dialogue_tell(&supervisor->dialogue, &message);
    return role_message_send(supervisor->proxy.channel, &message, descriptor,
                             supervisor->talk_end_ms, error);
}

bool supervisor_send_policy(struct supervisor *supervisor, struct error *error)
{
    CLEANUP_FD int memory =
        descriptor_channel_memory("rootcell-policy", buffer_bytes(&supervisor->bundle), error);
    return memory >= 0 &&
           supervisor_tell_proxy(supervisor, ROLE_MESSAGE_POLICY, supervisor->epoch, memory, error);
}

bool supervisor_send_listeners(struct supervisor *supervisor, size_t first, struct error *error)
{
    const struct wall_sockets *sockets = &supervisor->sockets;
    for (size_t i = first; i < sockets->listener_count; i++)
        if (!supervisor_tell_proxy(supervisor, ROLE_MESSAGE_LISTENER, sockets->listeners[i].port,
                                   sockets->listeners[i].descriptor, error))
            return false;
    return true;
}

static bool send_addresses(struct supervisor *supervisor, struct error *error)
{
    struct bytes own = {(const uint8_t *)&supervisor->own, sizeof(supervisor->own)};
    CLEANUP_FD int memory = descriptor_channel_memory("rootcell-addresses", own, error);
    return memory >= 0 &&
           supervisor_tell_proxy(supervisor, ROLE_MESSAGE_ADDRESSES, 0, memory, error);
}

/* Everything that a new proxy needs; the policy comes last and is what it confirms. */
static bool equip_proxy(struct supervisor *supervisor, struct error *error)
{
    return supervisor_tell_proxy(supervisor, ROLE_MESSAGE_DATAGRAM, 0, supervisor->sockets.datagram,
                                 error) &&
           supervisor_tell_proxy(supervisor, ROLE_MESSAGE_LINK, 0, supervisor->sockets.packet,
                                 error) &&
           send_addresses(supervisor, error) && supervisor_send_listeners(supervisor, 0, error) &&
           supervisor_capture_equip(supervisor, error) && supervisor_send_policy(supervisor, error);
}

/* It is dying, or lies: either way a new one follows. */
static void end_proxy(struct supervisor *supervisor)
{
    kill(supervisor->proxy.process, SIGKILL);
    shutdown(supervisor->proxy.channel, SHUT_RDWR);
}

/*
 * Returns false when there is nothing more to receive now. The proxy may be hostile: it answers
 * what it was asked and says nothing else, in numbers only, and no descriptor is taken from it.
 */
static bool receive_from_proxy(struct supervisor *supervisor)
{
    struct role_message message;
    int descriptor = -1;
    if (supervisor->proxy.process == 0)
        return false;
    switch (role_message_receive(supervisor->proxy.channel, &message, &descriptor)) {
    case DESCRIPTOR_CHANNEL_WAIT:
        return false;
    case DESCRIPTOR_CHANNEL_END:
        end_proxy(supervisor);
        return false;
    case DESCRIPTOR_CHANNEL_MESSAGE:
        break;
    }
    file_close_cleanup(&descriptor);
    if (role_dialogue_hear(&supervisor->dialogue, &message))
        return true;
    supervisor_record(supervisor, AUDIT_CONTROL, AUDIT_DENY, "the proxy said what nobody asked",
                      "it is ended");
    end_proxy(supervisor);
    return false;
}

/* Until the proxy has confirmed `number`: `in_force` is where role_dialogue_hear puts it. */
static bool await_number(struct supervisor *supervisor, const uint64_t *in_force, uint64_t number)
{
    while (*in_force != number) {
        int64_t left_ms = supervisor->talk_end_ms - wall_clock_monotonic_ms();
        if (left_ms <= 0 || supervisor->proxy.process == 0 ||
            !descriptor_channel_wait(supervisor->proxy.channel, (int)left_ms) ||
            !receive_from_proxy(supervisor))
            break;
    }
    return *in_force == number;
}

bool supervisor_await_policy(struct supervisor *supervisor, uint64_t epoch)
{
    return await_number(supervisor, &supervisor->dialogue.epoch_in_force, epoch);
}

bool supervisor_await_capture(struct supervisor *supervisor, uint64_t generation)
{
    return await_number(supervisor, &supervisor->dialogue.capture_in_force, generation);
}

void supervisor_refresh_counters(struct supervisor *supervisor, int timeout_ms)
{
    struct error error;
    if (supervisor->proxy.process == 0)
        return;
    supervisor_begin_talk(supervisor, timeout_ms);
    /* One question at a time: a proxy that answers none is asked none. */
    if (!supervisor->dialogue.are_counters_due &&
        !supervisor_tell_proxy(supervisor, ROLE_MESSAGE_STATUS, 0, -1, &error))
        return;
    if (descriptor_channel_wait(supervisor->proxy.channel, timeout_ms))
        while (receive_from_proxy(supervisor))
            continue;
}

/* --- roles ---------------------------------------------------------------------------------- */

static bool start_recorder(struct supervisor *supervisor, struct error *error)
{
    struct recorder_start start = {
        .file = supervisor->records_file,
        .socket = supervisor->record_sockets[1],
        .parent = getpid(),
        .capture = {.socket = supervisor->capture_sockets[1],
                    .file = supervisor->capture_file,
                    .is_recording =
                        supervisor->options->is_recording || supervisor->capture_file >= 0},
    };
    int kept[] = {start.file, start.socket, start.capture.socket, start.capture.file};
    return role_start(&supervisor->recorder, recorder_main, &start, kept, 4, error);
}

static bool start_proxy(struct supervisor *supervisor, struct error *error)
{
    struct proxy_start start = {
        .options = supervisor->options,
        .files = &supervisor->files,
        .ca_key = &supervisor->ca_key,
        .record_socket = supervisor->record_sockets[0],
        .capture_socket = supervisor->capture_sockets[0],
        .providers = supervisor->providers,
        .parent = getpid(),
        .address = supervisor->rules.address,
        .netmask = supervisor->rules.netmask,
    };
    int kept[] = {start.record_socket, start.capture_socket};
    struct error ignored;
    bool is_started = linux_secret_share(&supervisor->ca_key, true, error) &&
                      role_start(&supervisor->proxy, proxy_role_main, &start, kept, 2, error);
    linux_secret_share(&supervisor->ca_key, false, &ignored);
    return is_started;
}

static void restart_proxy(struct supervisor *supervisor)
{
    struct error error;
    role_dialogue_begin(&supervisor->dialogue);
    supervisor_begin_talk(supervisor, ROLE_MESSAGE_SEND_MS);
    supervisor->proxy.restart_count++;
    if (start_proxy(supervisor, &error) && equip_proxy(supervisor, &error))
        return;
    fprintf(stderr, "rootcell-firewall: %s\n", error.text);
    /* One that is half equipped serves nobody. */
    if (supervisor->proxy.process)
        end_proxy(supervisor);
}

static void reap_roles(struct supervisor *supervisor)
{
    char how[32], detail[64];
    int64_t now_ms = wall_clock_monotonic_ms();
    struct role *const roles[] = {&supervisor->proxy, &supervisor->recorder};
    for (size_t i = 0; i < 2; i++) {
        if (!role_reap(roles[i], now_ms, how))
            continue;
        snprintf(detail, sizeof(detail), "%s ended by %s", roles[i]->name, how);
        fprintf(stderr, "rootcell-firewall: %s\n", detail);
        supervisor_record(supervisor, AUDIT_CONTROL, AUDIT_INFO, "role restarted", detail);
        if (roles[i] == &supervisor->recorder)
            supervisor_capture_recorder_ended(supervisor);
    }
}

/* Returns how long to wait for the next restart that is due, -1 for none. */
static int restart_roles(struct supervisor *supervisor)
{
    struct error error;
    int64_t now_ms = wall_clock_monotonic_ms();
    int64_t next_ms = INT64_MAX;
    struct role *const roles[] = {&supervisor->proxy, &supervisor->recorder};
    for (size_t i = 0; i < 2; i++) {
        if (roles[i]->process != 0)
            continue;
        if (roles[i]->restart_at_ms > now_ms) {
            next_ms = roles[i]->restart_at_ms < next_ms ? roles[i]->restart_at_ms : next_ms;
            continue;
        }
        if (roles[i] == &supervisor->proxy) {
            restart_proxy(supervisor);
        } else {
            supervisor->recorder.restart_count++;
            if (!start_recorder(supervisor, &error))
                fprintf(stderr, "rootcell-firewall: %s\n", error.text);
        }
    }
    return next_ms == INT64_MAX ? -1 : (int)(next_ms - now_ms);
}

/* --- start ---------------------------------------------------------------------------------- */

static bool read_pem(const char *option, const char *path, size_t cap, struct buffer *contents,
                     struct bytes *view, struct error *error)
{
    buffer_init(contents, cap);
    if (!file_read(path, contents, error))
        return error_add_context(error, "%s", option);
    *view = buffer_bytes(contents);
    return true;
}

static bool read_key(struct supervisor *supervisor, struct error *error)
{
    if (!linux_secret_read(supervisor->options->ca_key, &supervisor->ca_key, error))
        return error_add_context(error, "--ca-key");
    supervisor->files.ca_key = linux_secret_bytes(&supervisor->ca_key);
    return true;
}

static bool read_files(struct supervisor *supervisor, struct error *error)
{
    const struct options *options = supervisor->options;
    struct proxy_files *files = &supervisor->files;
    return read_pem("--ca-cert", options->ca_certificate, SUPERVISOR_PEM_BYTES_MAX,
                    &supervisor->ca_certificate, &files->ca_certificate, error) &&
           read_key(supervisor, error) &&
           read_pem("--upstream-ca", options->upstream_ca, SUPERVISOR_UPSTREAM_CA_BYTES_MAX,
                    &supervisor->upstream_ca, &files->upstream_ca, error) &&
           https_service_check(options, files, error);
}

static bool read_policy(struct supervisor *supervisor, struct error *error)
{
    buffer_init(&supervisor->bundle, POLICY_BUNDLE_BYTES_MAX);
    if (!policy_folder_read(supervisor->options->policy_folder, &supervisor->bundle, error) ||
        !policy_bundle_compile(buffer_bytes(&supervisor->bundle), &supervisor->policy, error))
        return false;
    supervisor->epoch = 1;
    supervisor->rules.port_count = wall_sockets_ports(supervisor->policy, supervisor->rules.ports);
    return true;
}

static bool read_link(struct supervisor *supervisor, struct error *error)
{
    struct linux_interface link;
    if (!linux_interface_read(supervisor->options->agent_interface, &link, error))
        return error_add_context(error, "--agent-interface");
    /* Watched from before they are read: no change goes by. */
    supervisor->addresses = linux_socket_watch_addresses(error);
    if (supervisor->addresses < 0 ||
        !own_addresses_read(supervisor->options, &supervisor->own, error))
        return false;
    supervisor->rules.own = &supervisor->own;
    supervisor->rules.options = supervisor->options;
    supervisor->rules.address = link.address;
    supervisor->rules.netmask = link.netmask;
    supervisor->rules.proxy_user = ROLE_PROXY_USER;
    return link_rules_check_pool(&supervisor->rules, error);
}

static const int appending = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;

/* A pipe that nobody reads is refused, not waited for; writing may wait: the recorder alone does.
 */
static bool open_records(struct supervisor *supervisor, struct error *error)
{
    supervisor->records_file = open(supervisor->options->records, appending, 0600);
    if (supervisor->records_file < 0)
        return error_set_errno(error, errno, "open");
    if (fcntl(supervisor->records_file, F_SETFL, O_APPEND) != 0)
        return error_set_errno(error, errno, "fcntl");
    return true;
}

/* Whose requests are captured, and where to. A pipe that is full costs events: it stays so that
 * writing never waits. */
static bool open_capture(struct supervisor *supervisor, struct error *error)
{
    const struct options *options = supervisor->options;
    supervisor->providers = provider_folder_read(options->providers, error);
    if (supervisor->providers == NULL)
        return error_add_context(error, "--providers");
    if (options->capture == NULL)
        return true;
    supervisor->capture_file = open(options->capture, appending, 0600);
    return supervisor->capture_file >= 0 ||
           error_set_errno(error, errno, "--capture: %s: open", options->capture);
}

/* Everything that a user may have got wrong: exit status 2. */
static bool check_inputs(struct supervisor *supervisor, struct error *error)
{
    if (geteuid() != 0)
        return error_set(error, "must be started as root");
    if (!read_files(supervisor, error) || !read_policy(supervisor, error) ||
        !read_link(supervisor, error))
        return false;
    if (!open_records(supervisor, error))
        return error_add_context(error, "--records: %s", supervisor->options->records);
    if (!open_capture(supervisor, error))
        return false;
    if (supervisor->options->control == NULL)
        return true;
    supervisor->control = control_server_new(supervisor->options->control, error);
    return supervisor->control != NULL || error_add_context(error, "--control");
}

static bool open_signals(struct supervisor *supervisor, struct error *error)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    supervisor->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return supervisor->signals >= 0 || error_set_errno(error, errno, "signalfd");
}

static bool open_datagram_pair(int pair[2], int bytes, struct error *error)
{
    if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) != 0)
        return error_set_errno(error, errno, "socket pair");
    if (setsockopt(pair[0], SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)) != 0)
        setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
    return true;
}

/* What is done while the filter loads: the roles start by themselves, and need a processor. */
static bool start_beside_filter(struct supervisor *supervisor, struct error *error)
{
    const struct link_packet_view view = {.address = supervisor->rules.address,
                                          .netmask = supervisor->rules.netmask};
    return start_recorder(supervisor, error) && start_proxy(supervisor, error) &&
           link_rules_set_routes(&supervisor->rules, error) &&
           wall_sockets_watch(&supervisor->sockets, supervisor->options->agent_interface, &view,
                              error);
}

/*
 * The sockets come first: a second firewall on the same link fails there and leaves the rules of
 * the first alone. The roles start while the rules load; the proxy gets its sockets, and so the
 * first connection is accepted, when the rules hold.
 */
static bool start_all(struct supervisor *supervisor, struct error *error)
{
    const char *interface = supervisor->options->agent_interface;
    struct link_rules_loading loading;
    struct error of_filter;
    if (!role_confine_supervisor(error) || !open_signals(supervisor, error) ||
        !open_datagram_pair(supervisor->record_sockets, SUPERVISOR_RECORD_SOCKET_BYTES, error) ||
        !open_datagram_pair(supervisor->capture_sockets, SUPERVISOR_CAPTURE_SOCKET_BYTES, error) ||
        !wall_sockets_open(&supervisor->sockets, interface, error) ||
        !wall_sockets_add(&supervisor->sockets, interface, supervisor->rules.ports,
                          supervisor->rules.port_count, error) ||
        !link_rules_begin(&supervisor->rules, &loading, error))
        return false;
    bool is_good = start_beside_filter(supervisor, error);
    if (!link_rules_end(&loading, &of_filter) && is_good)
        is_good = error_set(error, "%s", of_filter.text);
    if (!is_good)
        return false;
    supervisor_begin_talk(supervisor, SUPERVISOR_READY_MS);
    if (!equip_proxy(supervisor, error))
        return false;
    if (!supervisor_await_policy(supervisor, supervisor->epoch))
        return error_set(error, "the proxy did not start");
    return true;
}

/* --- running -------------------------------------------------------------------------------- */

enum supervisor_state { SUPERVISOR_RUNNING, SUPERVISOR_ENDING };

static void reload_from_folder(struct supervisor *supervisor)
{
    struct error error;
    struct control_policy_answer answer = {0};
    if (policy_reload_folder(supervisor, &answer, &error))
        control_policy_answer_done(&answer);
    else
        fprintf(stderr, "rootcell-firewall: policy not changed: %s\n", error.text);
}

static enum supervisor_state handle_signals(struct supervisor *supervisor)
{
    struct signalfd_siginfo signal_info;
    enum supervisor_state state = SUPERVISOR_RUNNING;
    bool is_reload_wanted = false;
    while (read(supervisor->signals, &signal_info, sizeof(signal_info)) ==
           (ssize_t)sizeof(signal_info)) {
        if (signal_info.ssi_signo == SIGTERM || signal_info.ssi_signo == SIGINT)
            state = SUPERVISOR_ENDING;
        is_reload_wanted = is_reload_wanted || signal_info.ssi_signo == SIGHUP;
    }
    reap_roles(supervisor);
    if (is_reload_wanted && state == SUPERVISOR_RUNNING)
        reload_from_folder(supervisor);
    return state;
}

/*
 * Rules and proxy learn of this machine's addresses as they are now. Rules that cannot be loaded
 * leave those before in force, and the proxy refuses the new addresses by itself.
 */
static void handle_addresses(struct supervisor *supervisor)
{
    struct own_addresses own;
    struct error error;
    if (!linux_socket_take_changes(supervisor->addresses))
        return;
    bool is_good = own_addresses_read(supervisor->options, &own, &error);
    if (is_good && own_addresses_equal(&own, &supervisor->own))
        return;
    if (is_good) {
        supervisor->own = own;
        is_good = link_rules_load_filter(&supervisor->rules, &error);
        struct error ignored; /* the next proxy is told */
        supervisor_begin_talk(supervisor, ROLE_MESSAGE_SEND_MS);
        if (supervisor->proxy.process && !send_addresses(supervisor, &ignored))
            end_proxy(supervisor);
    }
    if (!is_good)
        fprintf(stderr, "rootcell-firewall: %s\n", error.text);
    supervisor_record(supervisor, AUDIT_CONTROL, AUDIT_INFO, "own addresses changed",
                      is_good ? "" : error.text);
}

/* The proxy is asked how it is from time to time; one that hangs is ended, and so replaced. */
static void beat_proxy(struct supervisor *supervisor, int *timeout_ms)
{
    struct error error;
    if (supervisor->proxy.process == 0)
        return;
    int64_t now_ms = wall_clock_monotonic_ms();
    switch (role_dialogue_beat(&supervisor->dialogue, now_ms)) {
    case ROLE_BEAT_REST:
        break;
    case ROLE_BEAT_ASK:
        supervisor_begin_talk(supervisor, ROLE_MESSAGE_SEND_MS);
        if (!supervisor_tell_proxy(supervisor, ROLE_MESSAGE_STATUS, 0, -1, &error))
            end_proxy(supervisor);
        break;
    case ROLE_BEAT_HUNG:
        supervisor_record(supervisor, AUDIT_CONTROL, AUDIT_INFO, "the proxy does not answer",
                          "it is ended");
        end_proxy(supervisor);
    }
    int64_t left_ms = supervisor->dialogue.next_beat_ms - now_ms;
    if (*timeout_ms < 0 || left_ms < *timeout_ms)
        *timeout_ms = (int)left_ms;
}

static void run_until_told(struct supervisor *supervisor)
{
    enum supervisor_state state = SUPERVISOR_RUNNING;
    while (state == SUPERVISOR_RUNNING) {
        int timeout_ms = restart_roles(supervisor);
        beat_proxy(supervisor, &timeout_ms);
        struct pollfd polled[ALL_POLLED] = {
            {.fd = supervisor->signals, .events = POLLIN},
            {.fd = supervisor->proxy.process ? supervisor->proxy.channel : -1, .events = POLLIN},
            {.fd = supervisor->addresses, .events = POLLIN},
        };
        struct pollfd *viewers = &polled[OWN_POLLED + CONTROL_SERVER_POLLED];
        control_server_prepare(supervisor->control, &polled[OWN_POLLED], &timeout_ms);
        supervisor_capture_prepare(supervisor, viewers);
        if (poll(polled, ALL_POLLED, timeout_ms) < 0 && errno != EINTR)
            break;
        while (polled[1].revents && receive_from_proxy(supervisor))
            continue;
        if (polled[2].revents)
            handle_addresses(supervisor);
        supervisor_capture_handle(supervisor, viewers);
        control_server_handle(supervisor->control, supervisor, &polled[OWN_POLLED]);
        state = handle_signals(supervisor);
    }
}

/* The proxy first, so that the recorder gets its last records. */
static void end_all(struct supervisor *supervisor)
{
    control_server_free(supervisor->control);
    role_end(&supervisor->proxy, SUPERVISOR_END_MS);
    if (supervisor->recorder.process)
        supervisor_record(supervisor, AUDIT_CONTROL, AUDIT_INFO, "firewall stopped", "");
    role_end(&supervisor->recorder, SUPERVISOR_END_MS);
    supervisor_capture_done(&supervisor->capture);
    provider_set_free(supervisor->providers);
    linux_secret_done(&supervisor->ca_key);
    policy_free(supervisor->policy);
}

static void init(struct supervisor *supervisor, const struct options *options)
{
    *supervisor = (struct supervisor){
        .options = options,
        .record_sockets = {-1, -1},
        .records_file = -1,
        .capture_sockets = {-1, -1},
        .capture_file = -1,
        .signals = -1,
        .addresses = -1,
        .proxy = {.name = "proxy", .channel = -1},
        .recorder = {.name = "recorder", .channel = -1},
        .started_ms = wall_clock_monotonic_ms(),
    };
    wall_sockets_init(&supervisor->sockets);
    supervisor_capture_init(&supervisor->capture);
}

static int fail(const struct error *error, int status)
{
    fprintf(stderr, "rootcell-firewall: %s\n", error->text);
    return status;
}

/* One line for whoever wonders: the other walls hold without it. */
static void tell_of_landlock(struct supervisor *supervisor)
{
    static const char text[] = "this kernel has no Landlock: the roles run without that wall";
    if (linux_landlock_version() > 0)
        return;
    fprintf(stderr, "rootcell-firewall: %s\n", text);
    supervisor_record(supervisor, AUDIT_CONTROL, AUDIT_INFO, text, "");
}

int supervisor_run(const struct options *options)
{
    static struct supervisor supervisor; /* large, and one a process */
    struct error error;
    init(&supervisor, options);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    if (!check_inputs(&supervisor, &error)) {
        control_server_free(supervisor.control);
        return fail(&error, SUPERVISOR_EXIT_REFUSED);
    }
    if (!start_all(&supervisor, &error)) {
        /* The proxy reads the upstream CAs while the rules load, and says itself what is wrong. */
        bool is_refused =
            role_await_exit(&supervisor.proxy, SUPERVISOR_REFUSAL_MS) == PROXY_EXIT_REFUSED;
        end_all(&supervisor);
        return is_refused ? SUPERVISOR_EXIT_REFUSED : fail(&error, SUPERVISOR_EXIT_FAILED);
    }
    char detail[64];
    snprintf(detail, sizeof(detail), "%zu rules in force", policy_rule_count(supervisor.policy));
    supervisor_record(&supervisor, AUDIT_CONTROL, AUDIT_INFO, "firewall started", detail);
    tell_of_landlock(&supervisor);
    printf("ready\n");
    fflush(stdout);
    run_until_told(&supervisor);
    end_all(&supervisor);
    return 0;
}
