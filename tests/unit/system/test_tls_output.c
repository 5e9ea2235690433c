#include "test.h"

#include "system/tls_output.h"

#include <openssl/bio.h>
#include <sys/socket.h>
#include <unistd.h>

/* Records of no meaning, over a socket that keeps apart what was sent by different calls. */

enum { RECORD_BYTES = TLS_OUTPUT_RECORD_BYTES + TLS_OUTPUT_OVERHEAD };

static struct tls_output output;
static BIO *bio;
static int peer;
static uint8_t record[RECORD_BYTES];
static uint8_t received[2 * TLS_OUTPUT_BLOCK_BYTES];

static void start(void)
{
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends),
                     0);
    peer = ends[1];
    tls_output_init(&output, ends[0]);
    bio = tls_output_new_bio(&output);
}

static void stop(void)
{
    BIO_free(bio);
    close(output.descriptor);
    close(peer);
    tls_output_done(&output);
}

static ssize_t receive(void)
{
    return recv(peer, received, sizeof(received), MSG_DONTWAIT);
}

static void what_is_gathered_leaves_in_one_piece_and_no_more_than_the_block_takes(void **state)
{
    start();
    tls_output_gather(&output);
    for (int i = 0; i < TLS_OUTPUT_RECORDS; i++) {
        memset(record, 'a' + i, sizeof(record));
        assert_int_equal(BIO_write(bio, record, sizeof(record)), sizeof(record));
        assert_int_equal(receive(), -1);
    }
    /* The block is full. */
    assert_int_equal(BIO_write(bio, record, 1), -1);
    assert_true(BIO_should_retry(bio));
    assert_int_equal(tls_output_send(&output), TLS_OUTPUT_SENT);
    assert_int_equal(receive(), TLS_OUTPUT_BLOCK_BYTES);
    for (int i = 0; i < TLS_OUTPUT_RECORDS; i++)
        assert_int_equal(received[i * RECORD_BYTES], 'a' + i);
    /* It is empty again. */
    tls_output_gather(&output);
    assert_int_equal(BIO_write(bio, "next", 4), 4);
    assert_int_equal(tls_output_send(&output), TLS_OUTPUT_SENT);
    assert_int_equal(receive(), 4);
    stop();
}

static void a_record_outside_of_a_gathering_leaves_at_once(void **state)
{
    start();
    assert_int_equal(BIO_write(bio, "alert", 5), 5);
    assert_int_equal(receive(), 5);
    stop();
}

RUN_TESTS(cmocka_unit_test(what_is_gathered_leaves_in_one_piece_and_no_more_than_the_block_takes),
          cmocka_unit_test(a_record_outside_of_a_gathering_leaves_at_once))
