#include "test.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "base/reader.h"
#include "firewall/resolver.h"
#include "harness/fake_clock.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

/* The resolver, with c-ares in it, before a name server that the test plays, under its clock. */

enum { ANSWER_TTL = 60 };

enum server_mood { ANSWERS, DENIES, IS_SILENT };

static uv_loop_t loop;
static struct resolver *resolver;

static struct {
    int descriptor;
    enum server_mood mood;
    size_t address_count; /* in each answer */
    uint32_t ttl_s;
    size_t question_count;
} server;

static struct {
    size_t count;
    enum resolver_status status;
    size_t address_count;
} answers;

/* --- the name server ------------------------------------------------------------------------ */

static void send_answer(const struct sockaddr_in *to, struct bytes query)
{
    struct buffer answer;
    buffer_init(&answer, 4096);
    size_t count = server.mood == ANSWERS ? server.address_count : 0;
    /* The id, a response, NXDOMAIN or not; one question, so many answers (RFC 1035 4.1.1). */
    assert_true(buffer_append(&answer, bytes_first(query, 2)) &&
                buffer_append_u16(&answer, server.mood == DENIES ? 0x8183 : 0x8180) &&
                buffer_append_u16(&answer, 1) && buffer_append_u16(&answer, (uint16_t)count) &&
                buffer_append_u32(&answer, 0) && buffer_append(&answer, bytes_from(query, 12)));
    for (size_t i = 0; i < count; i++)
        assert_true(buffer_append_u16(&answer, 0xc00c) && buffer_append_u16(&answer, 1) &&
                    buffer_append_u16(&answer, 1) && buffer_append_u32(&answer, server.ttl_s) &&
                    buffer_append_u16(&answer, 4) &&
                    buffer_append_u32(&answer, 0xcb007101 + (uint32_t)i));
    struct bytes bytes = buffer_bytes(&answer);
    assert_int_equal(sendto(server.descriptor, bytes.data, bytes.length, 0,
                            (const struct sockaddr *)to, sizeof(*to)),
                     bytes.length);
    buffer_done(&answer);
}

static void serve(void)
{
    uint8_t query[512];
    struct sockaddr_in from;
    socklen_t size = sizeof(from);
    ssize_t got;
    while ((got = recvfrom(server.descriptor, query, sizeof(query), MSG_DONTWAIT,
                           (struct sockaddr *)&from, &size)) > 0) {
        server.question_count++;
        if (server.mood != IS_SILENT)
            send_answer(&from, (struct bytes){query, (size_t)got});
    }
}

static void start(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001)};
    socklen_t size = sizeof(address);
    struct error error;
    memset(&answers, 0, sizeof(answers));
    memset(&server, 0, sizeof(server));
    server.address_count = 1;
    server.ttl_s = ANSWER_TTL;
    server.descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(server.descriptor, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(getsockname(server.descriptor, (struct sockaddr *)&address, &size), 0);
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_true(resolver_new(&loop, (const struct sockaddr *)&address, &resolver, &error));
}

static void stop(void)
{
    resolver_free(resolver);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    close(server.descriptor);
}

/* --- asking --------------------------------------------------------------------------------- */

static void on_done(void *owner, enum resolver_status status,
                    const struct resolver_addresses *addresses)
{
    answers.count++;
    answers.status = status;
    answers.address_count = addresses ? addresses->count : 0;
}

static bool is_answered(void *wanted)
{
    serve();
    return answers.count >= *(const size_t *)wanted;
}

/* Ask for a name and wait for the answer; returns how many questions the server was sent. */
static size_t ask(const char *name)
{
    size_t questions_before = server.question_count;
    size_t wanted = answers.count + 1;
    resolver_lookup(resolver, name, on_done, NULL);
    assert_true(fake_clock_run(&loop, is_answered, &wanted));
    return server.question_count - questions_before;
}

static void takes_no_more_than_sixteen_addresses_of_a_name(void **state)
{
    start();
    server.address_count = RESOLVER_ADDRESSES_MAX + 4;
    assert_int_equal(ask("many.example.com"), 1);
    assert_int_equal(answers.status, RESOLVER_FOUND);
    assert_int_equal(answers.address_count, RESOLVER_ADDRESSES_MAX);
    stop();
}

/* Asked at 0 and just before its end an answer is kept, and then it is not. */
static void assert_kept(const char *name, uint64_t life_ms)
{
    assert_int_equal(ask(name), 1);
    fake_clock_advance(&loop, life_ms - 1);
    assert_int_equal(ask(name), 0);
    fake_clock_advance(&loop, 1);
    assert_int_equal(ask(name), 1);
}

static void keeps_an_answer_for_five_seconds_at_least_and_five_minutes_at_most(void **state)
{
    start();
    server.ttl_s = 0;
    assert_kept("short.example.com", RESOLVER_TTL_MIN_S * 1000);
    server.ttl_s = ANSWER_TTL;
    assert_kept("ordinary.example.com", ANSWER_TTL * 1000);
    server.ttl_s = 7 * 24 * 3600;
    assert_kept("long.example.com", RESOLVER_TTL_MAX_S * 1000);
    stop();
}

static void asks_again_after_five_seconds_for_a_name_that_was_not_found(void **state)
{
    start();
    server.mood = DENIES;
    assert_kept("missing.example.com", RESOLVER_NEGATIVE_TTL_S * 1000);
    assert_int_equal(answers.status, RESOLVER_UNKNOWN);
    stop();
}

static void forgets_the_oldest_of_too_many_names(void **state)
{
    start();
    for (int i = 0; i <= RESOLVER_CACHE_MAX; i++) {
        CLEANUP_FREE char *name = memory_format("n%d.example.com", i);
        assert_int_equal(ask(name), 1);
    }
    assert_int_equal(ask("n1.example.com"), 0);
    assert_int_equal(ask("n0.example.com"), 1);
    stop();
}

static bool is_asked_all(void *context)
{
    serve();
    return server.question_count >= RESOLVER_TRIES;
}

static void fails_when_three_tries_each_with_twice_the_time_had_no_answer(void **state)
{
    enum { TICKS_MS = 3 * 600, WHOLE_MS = (1 + 2 + 4) * RESOLVER_TIMEOUT_MS };
    start();
    server.mood = IS_SILENT;
    uint64_t started_ms = fake_clock_now_ms();
    assert_non_null(resolver_lookup(resolver, "silent.example.com", on_done, NULL));
    while (answers.count == 0 && fake_clock_now_ms() < started_ms + 2 * WHOLE_MS)
        fake_clock_advance(&loop, 100);
    assert_int_equal(answers.count, 1);
    assert_int_equal(answers.status, RESOLVER_FAILED);
    assert_in_range(fake_clock_now_ms() - started_ms, WHOLE_MS, WHOLE_MS + TICKS_MS);
    assert_true(fake_clock_run(&loop, is_asked_all, NULL));
    assert_int_equal(server.question_count, RESOLVER_TRIES);
    /* A failure is not kept. */
    server.mood = ANSWERS;
    assert_int_equal(ask("silent.example.com"), 1);
    assert_int_equal(answers.status, RESOLVER_FOUND);
    stop();
}

RUN_TESTS(cmocka_unit_test(takes_no_more_than_sixteen_addresses_of_a_name),
          cmocka_unit_test(keeps_an_answer_for_five_seconds_at_least_and_five_minutes_at_most),
          cmocka_unit_test(asks_again_after_five_seconds_for_a_name_that_was_not_found),
          cmocka_unit_test(forgets_the_oldest_of_too_many_names),
          cmocka_unit_test(fails_when_three_tries_each_with_twice_the_time_had_no_answer))
