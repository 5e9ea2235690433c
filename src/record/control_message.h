#ifndef RECORD_CONTROL_MESSAGE_H
#define RECORD_CONTROL_MESSAGE_H

#include "base/buffer.h"
#include "base/error.h"

/*
 * What the host says to a running firewall over its control socket, and what it answers.
 *
 * A request is one word, a line feed, and a payload up to the end of what the client sends; the
 * answer is one line of JSON that starts with {"ok":true or {"ok":false.
 */

enum {
    CONTROL_REQUEST_BYTES_MAX = 32 * 1024 * 1024,
    CONTROL_ANSWER_BYTES_MAX = 64 * 1024 * 1024,
    CONTROL_GROUPS_MAX = 256
};

enum control_request {
    CONTROL_POLICY,  /* payload: the whole policy as JSON; it is checked, stored and put in force */
    CONTROL_STATUS,  /* no payload */
    CONTROL_CAPTURE, /* payload: words of struct control_capture */
    CONTROL_REQUEST_COUNT
};

/** "policy", "status", "capture". */
const char *control_request_name(enum control_request request);
/** False for a word that is none. */
bool control_request_find(struct bytes word, enum control_request *request);

struct control_group {
    struct bytes name; /* bare: "npm" */
    struct bytes text;
};

/** The payload of CONTROL_POLICY: {"https":"..","ssh":"..","dns":"..","groups":{"npm":".."}}. */
struct control_policy {
    struct bytes https; /* all texts borrowed from the caller or from `root` */
    struct bytes ssh;
    struct bytes dns;
    struct control_group groups[CONTROL_GROUPS_MAX];
    size_t group_count;
    void *root; /* owned: what a parsed policy borrows from; NULL otherwise */
};

/** Append the JSON. False when a text is no UTF-8, or `out` has no room. */
bool control_policy_write(const struct control_policy *policy, struct buffer *out,
                          struct error *error);
/** Read the JSON; release with control_policy_done. Missing, doubled or unknown keys are refused.
 */
bool control_policy_parse(struct bytes json, struct control_policy *policy, struct error *error);
void control_policy_done(struct control_policy *policy);

/** The answer to CONTROL_POLICY. */
struct control_policy_answer {
    uint64_t epoch;       /* number of the policy now in force */
    uint64_t duration_ms; /* from the request's end to in force */
    char **added;         /* rule texts with their kind, "https api.example.com GET" */
    size_t added_count;
    char **removed;
    size_t removed_count;
};

/** Append {"ok":true,"epoch":N,"added":[...],"removed":[...],"milliseconds":N} and a line feed. */
bool control_answer_write_policy(const struct control_policy_answer *answer, struct buffer *out);
/** Append {"ok":false,"error":"..."} and a line feed. */
bool control_answer_write_error(const char *reason, struct buffer *out);

/**
 * Read an answer to CONTROL_POLICY, which the host treats as hostile. False with the firewall's
 * own error, or with what is wrong in the answer. Release with control_policy_answer_done.
 */
bool control_answer_parse_policy(struct bytes line, struct control_policy_answer *answer,
                                 struct error *error);
void control_policy_answer_done(struct control_policy_answer *answer);

/** True when the line says that the request succeeded. */
bool control_answer_is_ok(struct bytes line);

struct control_role {
    const char *name;
    int64_t process;        /* 0: not running */
    uint64_t restart_count; /* since the start */
    uint64_t memory_bytes;  /* PSS; 0 where unknown */
};

struct control_status {
    uint64_t epoch;
    uint64_t uptime_ms;
    uint64_t agent_connections;
    uint64_t records_dropped;
    struct control_role roles[4];
    size_t role_count;
};

/** Append {"ok":true,"epoch":..,"uptime_ms":..,"connections":..,..."roles":[...]}, a line feed. */
bool control_answer_write_status(const struct control_status *status, struct buffer *out);

/**
 * The payload of CONTROL_CAPTURE: words apart by white space, each at most once.
 *
 * The answer is {"ok":true} and a line feed, and then, without end, lines of JSON
 * (llm/llm_event_json.h) until either side closes. While at least one such connection stands, calls
 * to models are captured. A client that does not read is told how many events it missed (an event
 * "lost") and costs nothing else.
 */
struct control_capture {
    bool wants_bodies;  /* "bodies": events of kind "body", too */
    bool wants_backlog; /* "backlog": first what was recorded before */
};

bool control_capture_parse(struct bytes payload, struct control_capture *capture,
                           struct error *error);
/** Append {"ok":true} and a line feed. */
bool control_answer_write_ok(struct buffer *out);

enum { CONTROL_CAPTURE_CLIENTS_MAX = 4 }; /* one more is refused */

#endif
