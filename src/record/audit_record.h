#ifndef RECORD_AUDIT_RECORD_H
#define RECORD_AUDIT_RECORD_H

#include "base/buffer.h"
#include "base/reader.h"

/** What a line of the audit log is about. Names: audit_record_kind_name. */
enum audit_kind {
    AUDIT_DNS,     /* a question of the agent */
    AUDIT_TLS,     /* a TLS connection that ended before an exchange, or its refusal */
    AUDIT_HTTP,    /* one exchange: a request with its response */
    AUDIT_SSH,     /* one SSH connection */
    AUDIT_CONNECT, /* a request on the CONNECT port that was refused */
    AUDIT_LINK,    /* packets to closed ports or of dropped protocols */
    AUDIT_POLICY,  /* a policy came into force, or was refused */
    AUDIT_CONTROL, /* the firewall itself: start, restart of a role, records lost */
    AUDIT_KIND_COUNT
};

enum audit_decision { AUDIT_ALLOW, AUDIT_DENY, AUDIT_INFO, AUDIT_DECISION_COUNT };

/** Longest values, in bytes, that a datagram carries; longer ones are cut and end in "...". */
enum {
    AUDIT_NAME_MAX = 255,
    AUDIT_METHOD_MAX = 64,
    AUDIT_PATH_MAX = 2048,
    AUDIT_RULE_MAX = 1024,
    AUDIT_REASON_MAX = 256,
    AUDIT_DETAIL_MAX = 4096,
    AUDIT_DATAGRAM_MAX = 64 + AUDIT_NAME_MAX + AUDIT_METHOD_MAX + AUDIT_PATH_MAX + AUDIT_RULE_MAX +
                         AUDIT_REASON_MAX + AUDIT_DETAIL_MAX,
    /* Records go to the recorder in batches: a datagram of them, each after its length (u16). */
    AUDIT_BATCH_MAX = 32 * 1024
};

/**
 * One line of the audit log, as a value. Empty texts and zero numbers are absent. Texts may hold
 * any bytes: the JSON writer escapes what is no printable UTF-8.
 */
struct audit_record {
    uint64_t time_ms; /* since 1970, UTC; 0: record_queue_send fills it in */
    enum audit_kind kind;
    enum audit_decision decision;
    uint16_t port;     /* that the agent dialled; 0 absent */
    uint16_t status;   /* HTTP status given to the agent; 0 absent */
    bool has_traffic;  /* sent, received and duration mean something, zero included */
    uint64_t sent;     /* bytes agent -> upstream */
    uint64_t received; /* bytes upstream -> agent */
    uint64_t duration_ms;
    uint32_t count;    /* suppressed repeats folded in; 0 absent */
    struct bytes name; /* all texts borrowed */
    struct bytes method;
    struct bytes path;
    struct bytes rule;   /* text of the rule that decided */
    struct bytes reason; /* why it was refused, a few fixed words */
    struct bytes detail; /* anything more, for people */
};

const char *audit_record_kind_name(enum audit_kind kind);
const char *audit_record_decision_name(enum audit_decision decision);

/** Append the form in which a record goes from proxy to recorder. False when `out` lacks room. */
bool audit_record_encode(const struct audit_record *record, struct buffer *out)
    __attribute__((warn_unused_result));

/**
 * Read what audit_record_encode wrote. The texts borrow from it. False, with `*record` untouched,
 * for anything that audit_record_encode cannot have written: wrong version, unknown kind, truncated
 * or surplus bytes, over-long texts.
 */
bool audit_record_decode(struct bytes datagram, struct audit_record *record)
    __attribute__((warn_unused_result));

/**
 * Append one line of JSON with its newline: keys in the order time, kind, decision, name, port,
 * method, path, rule, reason, status, sent, received, duration_ms, count, detail; absent values
 * are left out. Only printable ASCII and printable UTF-8 leave unescaped; bytes that are no UTF-8
 * become U+FFFD. False when `out` lacks room (it is then unchanged).
 */
bool audit_record_write_json(const struct audit_record *record, struct buffer *out)
    __attribute__((warn_unused_result));

#endif
