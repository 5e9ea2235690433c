#include "harness/fake_loop.h"

#include "base/check.h"

#include <stddef.h>
#include <string.h>
#include <sys/queue.h>
#include <uv.h>

enum {
    START_MS = 3600 * 1000,
    TURNS_MAX = 20000, /* more without rest is a loop without end */
};

enum handle_flag { HANDLE_ACTIVE = 1, HANDLE_CLOSING = 2 };

/* The links stand in the part of a handle that libuv keeps for itself. */
struct links {
    uv_handle_t *next;
    uv_handle_t *previous;
};

static uv_loop_t *the_loop;
static fake_loop_turn_fn *turn_more;
static uv_handle_t active; /* a ring of timers that run */
static uv_handle_t *closing;
static uint64_t started_count;
static unsigned handle_count;

static struct links *links_of(uv_handle_t *handle)
{
    _Static_assert(sizeof(handle->u.reserved) >= sizeof(struct links), "room for both");
    return (struct links *)(void *)handle->u.reserved;
}

static uv_timer_t *timer_of(uv_handle_t *handle)
{
    return (uv_timer_t *)handle;
}

static void unlink_active(uv_handle_t *handle)
{
    if ((handle->flags & HANDLE_ACTIVE) == 0)
        return;
    struct links *links = links_of(handle);
    links_of(links->previous)->next = links->next;
    links_of(links->next)->previous = links->previous;
    handle->flags &= ~(unsigned)HANDLE_ACTIVE;
}

/* --- in libuv's place ----------------------------------------------------------------------- */

uint64_t uv_now(const uv_loop_t *loop)
{
    return loop->time;
}

void uv_update_time(uv_loop_t *loop)
{
}

static void init_handle(uv_loop_t *loop, uv_handle_t *handle, uv_handle_type type)
{
    CHECK(loop == the_loop);
    handle->loop = loop;
    handle->type = type;
    handle->flags = 0;
    handle->close_cb = NULL;
    handle_count++;
}

int uv_timer_init(uv_loop_t *loop, uv_timer_t *timer)
{
    init_handle(loop, (uv_handle_t *)timer, UV_TIMER);
    timer->timer_cb = NULL;
    timer->repeat = 0;
    return 0;
}

int uv_timer_stop(uv_timer_t *timer)
{
    unlink_active((uv_handle_t *)timer);
    return 0;
}

int uv_timer_start(uv_timer_t *timer, uv_timer_cb on_due, uint64_t timeout, uint64_t repeat)
{
    uv_handle_t *handle = (uv_handle_t *)timer;
    CHECK(on_due != NULL && handle->type == UV_TIMER && (handle->flags & HANDLE_CLOSING) == 0);
    unlink_active(handle);
    timer->timer_cb = on_due;
    timer->timeout = the_loop->time + timeout;
    timer->repeat = repeat;
    timer->start_id = started_count++;
    struct links *links = links_of(handle);
    links->previous = links_of(&active)->previous;
    links->next = &active;
    links_of(links->previous)->next = handle;
    links_of(&active)->previous = handle;
    handle->flags |= HANDLE_ACTIVE;
    return 0;
}

int uv_is_active(const uv_handle_t *handle)
{
    return (handle->flags & HANDLE_ACTIVE) != 0;
}

int uv_is_closing(const uv_handle_t *handle)
{
    return (handle->flags & HANDLE_CLOSING) != 0;
}

void uv_close(uv_handle_t *handle, uv_close_cb on_closed)
{
    CHECK((handle->flags & HANDLE_CLOSING) == 0);
    unlink_active(handle);
    handle->flags |= HANDLE_CLOSING;
    handle->close_cb = on_closed;
    links_of(handle)->next = closing;
    closing = handle;
}

/* --- time ----------------------------------------------------------------------------------- */

void fake_loop_start(struct uv_loop_s *loop, fake_loop_turn_fn *more)
{
    memset(loop, 0, sizeof(*loop));
    loop->time = START_MS;
    the_loop = loop;
    turn_more = more;
    links_of(&active)->next = links_of(&active)->previous = &active;
    closing = NULL;
    started_count = 0;
    handle_count = 0;
}

static bool is_earlier(const uv_timer_t *timer, const uv_timer_t *other)
{
    if (other == NULL || timer->timeout != other->timeout)
        return other == NULL || timer->timeout < other->timeout;
    return timer->start_id < other->start_id;
}

static uv_timer_t *next_timer(void)
{
    uv_timer_t *first = NULL;
    for (uv_handle_t *handle = links_of(&active)->next; handle != &active;
         handle = links_of(handle)->next)
        if (is_earlier(timer_of(handle), first))
            first = timer_of(handle);
    return first;
}

/* One that is started from inside with no delay waits for the next turn, as libuv has it. */
static bool run_due_timers(void)
{
    uint64_t limit = started_count;
    bool has_run = false;
    uv_timer_t *timer;
    while ((timer = next_timer()) != NULL && timer->timeout <= the_loop->time &&
           timer->start_id < limit) {
        uv_timer_stop(timer);
        if (timer->repeat > 0)
            uv_timer_start(timer, timer->timer_cb, timer->repeat, timer->repeat);
        timer->timer_cb(timer);
        has_run = true;
    }
    return has_run;
}

static bool run_closing(void)
{
    bool has_run = closing != NULL;
    while (closing) {
        uv_handle_t *handle = closing;
        closing = links_of(handle)->next;
        handle_count--;
        if (handle->close_cb)
            handle->close_cb(handle);
    }
    return has_run;
}

static bool run_turn(void)
{
    bool has_run = run_due_timers();
    has_run = turn_more() || has_run;
    return run_closing() || has_run;
}

void fake_loop_settle(void)
{
    unsigned turns = 0;
    while (run_turn())
        CHECK(++turns < TURNS_MAX);
}

void fake_loop_advance(uint64_t duration_ms)
{
    uint64_t end = the_loop->time + duration_ms;
    fake_loop_settle();
    uv_timer_t *timer;
    while ((timer = next_timer()) != NULL && timer->timeout <= end) {
        if (timer->timeout > the_loop->time)
            the_loop->time = timer->timeout;
        fake_loop_settle();
    }
    the_loop->time = end;
}

unsigned fake_loop_handle_count(void)
{
    return handle_count;
}
