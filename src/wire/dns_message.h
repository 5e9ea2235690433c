#ifndef WIRE_DNS_MESSAGE_H
#define WIRE_DNS_MESSAGE_H

#include "base/buffer.h"

/** DNS messages (RFC 1035) as the wall's synthetic name service needs them. */
enum {
    DNS_UDP_BYTES_MAX = 1232, /* what we announce and the most that we send over UDP */
    DNS_MESSAGE_BYTES_MAX = 65535,
    DNS_NAME_TEXT_SIZE = 1024 /* presentation form with escapes and NUL */
};

enum dns_type {
    DNS_TYPE_A = 1,
    DNS_TYPE_NS = 2,
    DNS_TYPE_CNAME = 5,
    DNS_TYPE_SOA = 6,
    DNS_TYPE_PTR = 12,
    DNS_TYPE_HINFO = 13,
    DNS_TYPE_MX = 15,
    DNS_TYPE_TXT = 16,
    DNS_TYPE_AAAA = 28,
    DNS_TYPE_SRV = 33,
    DNS_TYPE_OPT = 41,
    DNS_TYPE_DS = 43,
    DNS_TYPE_SSHFP = 44,
    DNS_TYPE_SVCB = 64,
    DNS_TYPE_HTTPS = 65,
    DNS_TYPE_ANY = 255,
    DNS_TYPE_CAA = 257
};

/** Write "A", "AAAA", ..., "TYPE4711" for others to `text` (10 bytes or more); returns `text`. */
const char *dns_type_text(uint16_t type, char *text, size_t size);

enum dns_rcode {
    DNS_RCODE_NO_ERROR = 0,
    DNS_RCODE_FORMAT_ERROR = 1,
    DNS_RCODE_SERVER_FAILURE = 2,
    DNS_RCODE_NAME_ERROR = 3,
    DNS_RCODE_NOT_IMPLEMENTED = 4,
    DNS_RCODE_REFUSED = 5,
    DNS_RCODE_BAD_VERSION = 16 /* extended: needs EDNS (RFC 6891 section 6.1.3) */
};

/** What to do with a message. All but DNS_IGNORE and DNS_ANSWER: dns_message_write_error. */
enum dns_verdict {
    DNS_ANSWER,          /* a question to decide on */
    DNS_IGNORE,          /* shorter than a header, or QR=1: answering could make a loop */
    DNS_FORMAT_ERROR,    /* QDCOUNT != 1, broken name, compression in the question, bad OPT */
    DNS_NOT_IMPLEMENTED, /* opcode other than QUERY */
    DNS_REFUSED,         /* class other than IN */
    DNS_BAD_VERSION      /* EDNS version other than 0 */
};

struct dns_query {
    uint16_t id;
    uint8_t opcode;
    bool is_recursion_desired;
    bool is_checking_disabled;
    uint16_t type;
    uint16_t class_code;
    bool has_edns;
    bool is_dnssec_ok;
    uint16_t udp_bytes;    /* what the client takes over UDP: 512..1232 */
    struct bytes question; /* borrowed from the message: name as spelled, type, class; may be empty
                              when the message was refused before it */
    /*
     * Presentation form without the final dot, letters as spelled, NUL-terminated; "" is the
     * root. Bytes that no host name has are escaped as \DDD or \X (RFC 1035 section 5.1), so
     * that host_name_parse refuses them and no label can pass for two.
     */
    char name[DNS_NAME_TEXT_SIZE];
    size_t name_length;
};

/** Read a query; `message` stays borrowed by `query`. `query` is filled as far as was read. */
enum dns_verdict dns_message_parse_query(struct bytes message, struct dns_query *query);

/** The rcode that belongs to a refusing verdict. */
enum dns_rcode dns_verdict_rcode(enum dns_verdict verdict);

/** True for D.C.B.A.in-addr.arpa: the address in host byte order. */
bool dns_query_reverse_address(const struct dns_query *query, uint32_t *address);

enum dns_transport { DNS_OVER_UDP, DNS_OVER_TCP };

/*
 * Writing answers. Each appends one message without TCP's length prefix; the question is echoed
 * with its spelling, OPT is added when the query had it. A message that is too long for the
 * client's UDP buffer becomes an empty one with TC=1. False when `out` has no room: nothing is
 * then appended. TTLs are in seconds.
 */

/** One A record. */
bool dns_message_write_address(struct buffer *out, const struct dns_query *query,
                               enum dns_transport transport, uint32_t address, uint32_t ttl);
/** One PTR record. `name` is canonical host name text. */
bool dns_message_write_pointer(struct buffer *out, const struct dns_query *query,
                               enum dns_transport transport, struct bytes name, uint32_t ttl);
/** ANY: the minimal answer of RFC 8482 section 4.2. */
bool dns_message_write_any(struct buffer *out, const struct dns_query *query,
                           enum dns_transport transport, uint32_t ttl);
/** The name exists, the type does not (RFC 2308): NOERROR with a SOA; ttl is the negative TTL. */
bool dns_message_write_no_data(struct buffer *out, const struct dns_query *query,
                               enum dns_transport transport, uint32_t ttl);
/**
 * Denied: NXDOMAIN with SOA and, when the client speaks EDNS, extended error 17 "Filtered"
 * (RFC 8914) with `text` (at most 64 bytes are sent).
 */
bool dns_message_write_denied(struct buffer *out, const struct dns_query *query,
                              enum dns_transport transport, const char *text, uint32_t ttl);
/** An error without records; the question is echoed when it was read. */
bool dns_message_write_error(struct buffer *out, const struct dns_query *query,
                             enum dns_rcode rcode);
/** TC=1: come again over TCP. */
bool dns_message_write_truncated(struct buffer *out, const struct dns_query *query);

#endif
