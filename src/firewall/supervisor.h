#ifndef FIREWALL_SUPERVISOR_H
#define FIREWALL_SUPERVISOR_H

#include "firewall/link_rules.h"
#include "firewall/options.h"
#include "firewall/proxy.h"
#include "firewall/role.h"
#include "firewall/role_dialogue.h"
#include "firewall/supervisor_capture.h"
#include "firewall/wall_sockets.h"
#include "policy/policy.h"
#include "record/audit_record.h"
#include "system/linux_secret.h"

struct control_server;

enum {
    SUPERVISOR_PEM_BYTES_MAX = 64 * 1024, /* of certificate and key of the instance */
    SUPERVISOR_UPSTREAM_CA_BYTES_MAX = 8 * 1024 * 1024,
    SUPERVISOR_READY_MS = 30 * 1000, /* for the first proxy, on a slow machine */
    SUPERVISOR_END_MS = 1000,        /* for a role that was told to end */
    SUPERVISOR_REFUSAL_MS = 200,     /* for a proxy that refuses a file to end by itself */
    SUPERVISOR_RECORD_SOCKET_BYTES = 512 * 1024,
    SUPERVISOR_CAPTURE_SOCKET_BYTES = 1024 * 1024,
    SUPERVISOR_RECORD_MS = 100, /* for room for a record of our own */
};

/*
 * Theory of Operation
 *
 * The supervisor is root and parses nothing that comes from the agent or from upstream. It reads
 * the files, makes the sockets on the link, loads routes and packet rules, and keeps two roles
 * running:
 *
 *   supervisor --- channel, descriptors ---> proxy ---- records, datagrams ----> recorder
 *        \___________________________________________________________________/
 *
 * Start:   files, policy -> checks -> sockets -> recorder and proxy forked (they drop what they do
 *          not need while the rules load) -> routes, rules -> proxy gets sockets and policy
 *          -> proxy says IN_FORCE -> `ready`.
 * Reload:  new text -> compiled here first (a bad file changes nothing) -> missing listeners and
 *          rules added -> proxy swaps its policy and says IN_FORCE -> listeners that no rule
 *          names any more are closed.
 * Address: one that came or went on this machine -> packet rules loaded anew -> proxy told.
 * Beat:    the proxy is asked for its counters now and then -> one that does not answer is killed.
 * Death:   a role that ends is started again with the sockets that the supervisor kept; while
 *          the proxy is down nothing passes. When the supervisor dies, the kernel kills both.
 */
struct supervisor {
    const struct options *options; /* borrowed */
    struct buffer ca_certificate;  /* owned file contents */
    struct linux_secret ca_key;    /* owned; a proxy has it until it has read it */
    struct buffer upstream_ca;
    struct proxy_files files; /* views of the three */
    struct own_addresses own; /* what `rules` and the proxy know of */
    int addresses;            /* readable when they changed; owned */
    struct link_rules rules;

    struct buffer bundle;  /* text of the policy in force (policy_bundle.h) */
    struct policy *policy; /* the same, compiled; owned */
    uint64_t epoch;

    struct wall_sockets sockets;
    int record_sockets[2]; /* [0] written by proxy and supervisor, [1] read by the recorder */
    int records_file;
    int capture_sockets[2];         /* [0] written by the proxy, [1] read by the recorder */
    int capture_file;               /* -1: none */
    struct provider_set *providers; /* owned */
    struct supervisor_capture capture;
    int signals; /* signalfd */
    struct role proxy;
    struct role recorder;
    struct control_server *control; /* owned; NULL without --control */
    int64_t started_ms;
    struct role_dialogue dialogue; /* with the proxy that runs now */
    int64_t talk_end_ms;           /* until when it must have taken what it is told */
    uint64_t records_dropped;      /* of our own */
};

enum {
    SUPERVISOR_EXIT_REFUSED = 2, /* bad argument, file or policy */
    SUPERVISOR_EXIT_FAILED = 1,  /* the system refused something */
};

/** The whole life of the firewall; returns the exit status. */
int supervisor_run(const struct options *options);

/** Send a record of the supervisor's own. Never blocks. */
void supervisor_record(struct supervisor *supervisor, enum audit_kind kind,
                       enum audit_decision decision, const char *reason, const char *detail);

/**
 * What the proxy is told from here on it has to take, and what is awaited of it to say, within
 * `timeout_ms`, all of it together: one that is slow cannot hold the supervisor up message by
 * message.
 */
void supervisor_begin_talk(struct supervisor *supervisor, int timeout_ms);
/** Tell it one thing; `descriptor` is -1 for none. */
bool supervisor_tell_proxy(struct supervisor *supervisor, enum role_message_kind kind,
                           uint64_t number, int descriptor, struct error *error);
/**
 * Receive what the proxy said, until it said that `epoch` is in force; false when it did not
 * before the end of the talk.
 */
bool supervisor_await_policy(struct supervisor *supervisor, uint64_t epoch);

/** Fill the counters from the proxy, waiting up to `timeout_ms` for them. */
void supervisor_refresh_counters(struct supervisor *supervisor, int timeout_ms);

/** As supervisor_await_policy, for a switch of capture. */
bool supervisor_await_capture(struct supervisor *supervisor, uint64_t generation);

/** What the proxy must be told after its start, or after a reload. */
bool supervisor_send_policy(struct supervisor *supervisor, struct error *error);
bool supervisor_send_listeners(struct supervisor *supervisor, size_t first, struct error *error);

#endif
