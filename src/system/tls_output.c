#include "system/tls_output.h"

#include "base/check.h"

#include <errno.h>
#include <openssl/bio.h>
#include <string.h>
#include <sys/socket.h>

/* One for the process, which has one thread: it is filled and emptied within one call. */
static struct {
    const struct tls_output *output; /* NULL: nobody gathers */
    size_t length;
    uint8_t bytes[TLS_OUTPUT_BLOCK_BYTES];
} block;

void tls_output_init(struct tls_output *output, int descriptor)
{
    output->descriptor = descriptor;
    buffer_init(&output->unsent, TLS_OUTPUT_BLOCK_BYTES);
}

void tls_output_done(struct tls_output *output)
{
    buffer_done(&output->unsent);
}

/* How many of the bytes the kernel took; -1 with errno for none. */
static ssize_t send_some(const struct tls_output *output, struct bytes bytes)
{
    ssize_t count;
    do {
        count = send(output->descriptor, bytes.data, bytes.length, MSG_NOSIGNAL);
    } while (count < 0 && errno == EINTR);
    return count;
}

static bool is_full(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK;
}

/* --- for OpenSSL ---------------------------------------------------------------------------- */

static int on_write(BIO *bio, const char *data, int length)
{
    struct tls_output *output = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (length <= 0)
        return 0;
    bool is_gathered =
        block.output == output && (size_t)length <= sizeof(block.bytes) - block.length;
    if (is_gathered) {
        memcpy(block.bytes + block.length, data, (size_t)length);
        block.length += (size_t)length;
        return length;
    }
    ssize_t count = -1;
    errno = EAGAIN;
    if (block.output != output && buffer_length(&output->unsent) == 0)
        count = send_some(output, (struct bytes){(const uint8_t *)data, (size_t)length});
    if (count < 0 && is_full())
        BIO_set_retry_write(bio);
    return (int)count;
}

static long on_control(BIO *bio, int command, long number, void *pointer)
{
    return command == BIO_CTRL_FLUSH;
}

static int on_create(BIO *bio)
{
    BIO_set_init(bio, 1);
    return 1;
}

struct bio_st *tls_output_new_bio(struct tls_output *output)
{
    static BIO_METHOD *method;
    if (method == NULL) {
        method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "records to a socket");
        CHECK(method != NULL);
        BIO_meth_set_write(method, on_write);
        BIO_meth_set_ctrl(method, on_control);
        BIO_meth_set_create(method, on_create);
    }
    BIO *bio = BIO_new(method);
    CHECK(bio != NULL);
    BIO_set_data(bio, output);
    return bio;
}

/* --- for the transport ---------------------------------------------------------------------- */

void tls_output_gather(struct tls_output *output)
{
    CHECK(block.output == NULL && buffer_length(&output->unsent) == 0);
    block.output = output;
    block.length = 0;
}

enum tls_output_result tls_output_send(struct tls_output *output)
{
    CHECK(block.output == output);
    struct bytes bytes = {block.bytes, block.length};
    block.output = NULL;
    if (bytes.length == 0)
        return TLS_OUTPUT_SENT;
    ssize_t count = send_some(output, bytes);
    if (count < 0 && !is_full())
        return TLS_OUTPUT_LOST;
    size_t sent = count < 0 ? 0 : (size_t)count;
    CHECK(buffer_append(&output->unsent, bytes_from(bytes, sent)));
    return sent == bytes.length ? TLS_OUTPUT_SENT : TLS_OUTPUT_WAIT;
}

enum tls_output_result tls_output_resume(struct tls_output *output)
{
    while (buffer_length(&output->unsent) > 0) {
        ssize_t count = send_some(output, buffer_bytes(&output->unsent));
        if (count < 0)
            return is_full() ? TLS_OUTPUT_WAIT : TLS_OUTPUT_LOST;
        buffer_consume(&output->unsent, (size_t)count);
    }
    buffer_done(&output->unsent);
    return TLS_OUTPUT_SENT;
}
