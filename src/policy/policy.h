#ifndef POLICY_POLICY_H
#define POLICY_POLICY_H

#include "policy/host_name.h"

/**
 * The compiled allowlists of an instance: immutable once compiled, so a reload compiles a new one
 * and swaps a pointer. What no rule allows is denied.
 *
 *     allowed-https.txt    PATTERN[:PORT] [METHOD[,METHOD...]] [PATH] [+FLAG...]
 *     allowed-ssh.txt      HOST[:PORT] [+private]
 *     allowed-dns.txt      PATTERN [+FLAG...]          a bare NAME also covers everything below it
 *     any of them          @GROUP                      that kind's lines of groups/GROUP.txt
 *     groups/GROUP.txt     https|ssh|dns RULE          as in the three files, the kind first
 *
 * One rule a line, tokens apart by spaces or tabs; `#` at the start of a token starts a comment.
 * Lines end with LF or CRLF. UTF-8 without byte-order mark; NUL and other control bytes are
 * refused. The same rule twice is fine. Flags: +private +shared +encoded-slash.
 */
struct policy;

enum {
    POLICY_FILE_BYTES_MAX = 16 * 1024 * 1024, /* a longer file is refused */
    POLICY_LINE_BYTES_MAX = 2048,             /* without the line end */
    POLICY_RULES_MAX = 250000,                /* over all files, groups expanded */
    POLICY_PORTS_MAX = 64,                    /* different ports of a kind: each needs a listener */
    POLICY_METHODS_MAX = 16                   /* in one rule */
};

enum policy_kind { POLICY_HTTPS, POLICY_SSH, POLICY_DNS, POLICY_KIND_COUNT };

/** "https", "ssh", "dns". */
const char *policy_kind_text(enum policy_kind kind);

enum policy_flag {
    POLICY_FLAG_PRIVATE = 1 << 0,      /* the name may resolve to RFC 1918, 100.64/10 or ULA */
    POLICY_FLAG_SHARED = 1 << 1,       /* strangers can register names below this pattern: known */
    POLICY_FLAG_ENCODED_SLASH = 1 << 2 /* %2f may stand in the path */
};

/** One file's bytes. */
struct policy_text {
    const char *name;   /* file name for errors: "allowed-https.txt"; for a group its bare name */
    struct bytes bytes; /* borrowed for the time of the call */
};

struct policy_sources {
    struct policy_text files[POLICY_KIND_COUNT]; /* indexed by enum policy_kind */
    const struct policy_text *groups;            /* borrowed; NULL when group_count is 0 */
    size_t group_count;
};

struct policy_error {
    char file[128]; /* "allowed-https.txt", "groups/npm.txt" */
    size_t line;    /* from 1; 0 where the whole file is meant */
    char reason[256];
    char text[512]; /* "allowed-https.txt:3: reason", what a user is shown */
};

/**
 * Parse and compile. All groups are checked, used or not.
 * False with `*error` set when any line is refused (the first one); `*policy` is then untouched.
 * The policy owns copies of everything it needs.
 */
bool policy_compile(const struct policy_sources *sources, struct policy **policy,
                    struct policy_error *error);

/** A policy without rules: denies everything. */
struct policy *policy_new_empty(void);
void policy_free(struct policy *policy);

/** A rule of a compiled policy, borrowed from it. */
struct policy_rule {
    enum policy_kind kind;
    unsigned flags;   /* of enum policy_flag */
    uint16_t port;    /* 443 and 22 where none is written; 0 for dns */
    bool has_methods; /* the rule is limited to methods */
    bool has_path;    /* the rule is limited to paths */
    const char *text; /* canonical, without the kind: "api.example.com GET,HEAD /v1/x +private" */
    const char *file; /* where it was written */
    size_t line;
};

enum policy_reason {
    POLICY_ALLOWED,
    POLICY_NAME_DENIED,    /* no rule has this name */
    POLICY_PORT_DENIED,    /* rules have the name, none this port */
    POLICY_METHOD_DENIED,  /* ... none this method */
    POLICY_PATH_DENIED,    /* ... none this path */
    POLICY_PATH_AMBIGUOUS, /* the host has path rules and servers may read this path differently */
    POLICY_REASON_COUNT
};

/** The word for records: "allowed", "name-denied", ... */
const char *policy_reason_name(enum policy_reason reason);
/** A clause for people: "no rule allows this name". */
const char *policy_reason_text(enum policy_reason reason);

struct policy_decision {
    bool is_allowed;
    enum policy_reason reason;
    int status;                     /* HTTP status of the refusal: 403 or 400; 0 when allowed */
    const struct policy_rule *rule; /* borrowed from the policy; NULL when denied */
    bool may_be_private;            /* +private stands on a rule of this name and port */
    bool has_method_rules;          /* some rule of this name and port names methods: then */
                                    /* refuse the fields of policy_is_method_override */
    bool has_path_rules;            /* some rule of this name and port names a path */
    /*
     * For DNS: what the name's pool address belongs to, the name itself or the wildcard pattern
     * that it shares the address with. Borrowed from the policy; empty when denied.
     */
    struct bytes pool_key;
    bool is_pool_key_exact; /* the key is the name itself */
};

/** May the name be resolved: some rule of any kind has it. */
struct policy_decision policy_decide_dns(const struct policy *policy, const struct host_name *name);

/** May a TLS connection to the name and port be taken up: some https rule has both. */
struct policy_decision policy_decide_tls(const struct policy *policy, const struct host_name *name,
                                         uint16_t port);

/**
 * May this request pass. `target` is the origin-form exactly as it will be forwarded, path and
 * query, or `*` (OPTIONS). Rules see nothing else: no decoding takes place.
 */
struct policy_decision policy_decide_http(const struct policy *policy, const struct host_name *name,
                                          uint16_t port, struct bytes method, struct bytes target);

/** May an SSH connection to the name and port be taken up. */
struct policy_decision policy_decide_ssh(const struct policy *policy, const struct host_name *name,
                                         uint16_t port);

/**
 * True for request fields that change the method behind a rule's back: X-HTTP-Method-Override,
 * X-HTTP-Method, X-Method-Override. Compared without case.
 */
bool policy_is_method_override(struct bytes field_name);

/** Ports that need a listener, ascending. 443 stands always in https, 22 in ssh. */
struct policy_ports {
    uint16_t https[POLICY_PORTS_MAX + 1];
    size_t https_count;
    uint16_t ssh[POLICY_PORTS_MAX + 1];
    size_t ssh_count;
};
struct policy_ports policy_ports(const struct policy *policy);

/** All rules, in file order (https, ssh, dns), groups expanded in place. */
size_t policy_rule_count(const struct policy *policy);
const struct policy_rule *policy_rule_at(const struct policy *policy, size_t index);

/**
 * Every key that policy_decide_dns can return, sorted and without repeats, for
 * address_pool_update. Borrowed from the policy.
 */
const struct bytes *policy_pool_keys(const struct policy *policy, size_t *count);

/** What a reload changes, as "https api.example.com GET", sorted, without repeats. */
struct policy_difference {
    char **added; /* owned, each text owned */
    size_t added_count;
    char **removed; /* owned, each text owned */
    size_t removed_count;
};
void policy_difference_init(struct policy_difference *difference, const struct policy *before,
                            const struct policy *after);
void policy_difference_done(struct policy_difference *difference);

#endif
