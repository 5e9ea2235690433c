#ifndef SYSTEM_TLS_OUTPUT_H
#define SYSTEM_TLS_OUTPUT_H

#include "base/buffer.h"

struct bio_st;

/*
 * Theory of Operation
 *
 * OpenSSL hands each record to the socket by a system call of its own, and the kernel makes a
 * packet train of each. Here the records of one write are gathered and leave together:
 *
 *   tls_output_gather   what OpenSSL writes from now on is kept in one block, which all
 *                       connections share: it is empty outside of a pair of these calls
 *   tls_output_send     the block goes to the socket; what the kernel does not take is kept as
 *                       the connection's own, before which nothing else is sent
 *
 * Outside of such a pair (handshake, alerts, key updates) records go to the socket at once, or not
 * at all while some wait.
 */

enum {
    TLS_OUTPUT_RECORD_BYTES = 16 * 1024, /* plaintext (RFC 8446 section 5.1) */
    TLS_OUTPUT_RECORDS = 4,              /* gathered at most */
    TLS_OUTPUT_OVERHEAD = 256,           /* of a record at most (RFC 8446 section 5.2) */
    TLS_OUTPUT_BLOCK_BYTES = TLS_OUTPUT_RECORDS * (TLS_OUTPUT_RECORD_BYTES + TLS_OUTPUT_OVERHEAD),
};

struct tls_output {
    int descriptor;       /* borrowed */
    struct buffer unsent; /* records that the kernel did not take yet */
};

enum tls_output_result {
    TLS_OUTPUT_SENT,
    TLS_OUTPUT_WAIT, /* some are kept; again when there is room */
    TLS_OUTPUT_LOST, /* errno says why */
};

void tls_output_init(struct tls_output *output, int descriptor);
void tls_output_done(struct tls_output *output);
/** For SSL_set0_wbio: writes to `output`, which must outlive it. Owned by the caller. */
struct bio_st *tls_output_new_bio(struct tls_output *output);

/** Not while the connection has records unsent (CHECK). */
void tls_output_gather(struct tls_output *output);
enum tls_output_result tls_output_send(struct tls_output *output);
/** Send what is left of earlier calls. */
enum tls_output_result tls_output_resume(struct tls_output *output);

#endif
