#include "test.h"

#include "firewall/http1_upstream.h"
#include "harness/lone_upstream.h"

#include <string.h>

static struct lone_upstream upstream;

static int start(void **state)
{
    lone_upstream_start(&upstream, http1_upstream_new);
    return 0;
}

static int stop(void **state)
{
    lone_upstream_stop(&upstream);
    return 0;
}

static void closes_after_a_minute_of_idleness_that_began_long_after_its_start(void **state)
{
    lone_upstream_ask(&upstream, "GET", HTTP_BODY_NONE);
    /* The timer fires in the middle of the exchange, where 15 minutes are the limit. */
    lone_upstream_advance(&upstream, 61);
    lone_upstream_say(&upstream, BYTES_LITERAL("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"));
    assert_string_equal(lone_upstream_story(), "200 body end idle ");
    lone_upstream_advance(&upstream, 58);
    assert_string_equal(lone_upstream_story(), "200 body end idle ");
    lone_upstream_advance(&upstream, 3);
    assert_string_equal(lone_upstream_story(), "200 body end idle gone ");
}

static void gives_up_after_fifteen_minutes_of_silence(void **state)
{
    lone_upstream_ask(&upstream, "GET", HTTP_BODY_NONE);
    for (int minute = 0; minute < 14; minute++)
        lone_upstream_advance(&upstream, 60);
    assert_string_equal(lone_upstream_story(), "");
    lone_upstream_advance(&upstream, 61);
    assert_string_equal(lone_upstream_story(), "gone timeout-unanswered ");
}

static void does_not_take_an_upload_that_goes_on_for_silence(void **state)
{
    struct exchange_side side = lone_upstream_ask(&upstream, "POST", HTTP_BODY_STREAM);
    for (int minute = 0; minute < 20; minute++) {
        side.operations->send_body(side.object, BYTES_LITERAL("a little"));
        side.operations->flush(side.object);
        lone_upstream_advance(&upstream, 60);
    }
    assert_null(strstr(lone_upstream_story(), "timeout"));
    side.operations->reset(side.object, EXCHANGE_AGENT_GONE);
}

#define WITH_CONNECTION(test) cmocka_unit_test_setup_teardown(test, start, stop)

RUN_TESTS(WITH_CONNECTION(gives_up_after_fifteen_minutes_of_silence),
          WITH_CONNECTION(closes_after_a_minute_of_idleness_that_began_long_after_its_start),
          WITH_CONNECTION(does_not_take_an_upload_that_goes_on_for_silence))
