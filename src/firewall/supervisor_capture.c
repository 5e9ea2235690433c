#include "firewall/supervisor_capture.h"

#include <unistd.h>

#include "firewall/role_message.h"
#include "firewall/supervisor.h"
#include "system/wall_clock.h"

void supervisor_capture_init(struct supervisor_capture *capture)
{
    *capture = (struct supervisor_capture){0};
    for (int i = 0; i < CONTROL_CAPTURE_CLIENTS_MAX; i++)
        capture->viewers[i] = -1;
}

static void close_viewer(int *viewer)
{
    close(*viewer);
    *viewer = -1;
}

void supervisor_capture_done(struct supervisor_capture *capture)
{
    for (int i = 0; i < CONTROL_CAPTURE_CLIENTS_MAX; i++)
        if (capture->viewers[i] >= 0)
            close_viewer(&capture->viewers[i]);
}

static bool has_viewer(const struct supervisor_capture *capture)
{
    for (int i = 0; i < CONTROL_CAPTURE_CLIENTS_MAX; i++)
        if (capture->viewers[i] >= 0)
            return true;
    return false;
}

static bool is_wanted(const struct supervisor *supervisor)
{
    return supervisor->options->is_recording || supervisor->options->capture ||
           has_viewer(&supervisor->capture);
}

bool supervisor_capture_equip(struct supervisor *supervisor, struct error *error)
{
    struct supervisor_capture *capture = &supervisor->capture;
    capture->is_on = is_wanted(supervisor);
    /* Odd numbers switch it on. */
    capture->generation += (capture->generation % 2 == 1) == capture->is_on ? 2 : 1;
    return supervisor_tell_proxy(supervisor, ROLE_MESSAGE_CAPTURE, capture->generation, -1, error);
}

/* A proxy that cannot be told is dying: the next one is told by supervisor_capture_equip. */
static void choose(struct supervisor *supervisor)
{
    struct error ignored;
    if (is_wanted(supervisor) == supervisor->capture.is_on || supervisor->proxy.process == 0)
        return;
    supervisor_begin_talk(supervisor, SUPERVISOR_CAPTURE_CONFIRM_MS);
    supervisor_capture_equip(supervisor, &ignored);
}

bool supervisor_capture_attach(struct supervisor *supervisor, int client,
                               const struct control_capture *wishes, struct error *error)
{
    struct supervisor_capture *capture = &supervisor->capture;
    int place = 0;
    while (place < CONTROL_CAPTURE_CLIENTS_MAX && capture->viewers[place] >= 0)
        place++;
    if (place == CONTROL_CAPTURE_CLIENTS_MAX)
        return error_set(error, "%d others watch already", CONTROL_CAPTURE_CLIENTS_MAX);
    if (supervisor->recorder.process == 0)
        return error_set(error, "the recorder is being started again");
    capture->viewers[place] = client;
    supervisor_begin_talk(supervisor, SUPERVISOR_CAPTURE_CONFIRM_MS);
    choose(supervisor);
    supervisor_await_capture(supervisor, capture->generation);
    struct role_message message = {
        .kind = ROLE_MESSAGE_VIEWER,
        .number = (wishes->wants_bodies ? (unsigned)ROLE_VIEWER_BODIES : 0) |
                  (wishes->wants_backlog ? (unsigned)ROLE_VIEWER_BACKLOG : 0),
    };
    if (role_message_send(supervisor->recorder.channel, &message, client,
                          wall_clock_monotonic_ms() + ROLE_MESSAGE_SEND_MS, error))
        return true;
    capture->viewers[place] = -1;
    choose(supervisor);
    return error_add_context(error, "the recorder");
}

void supervisor_capture_recorder_ended(struct supervisor *supervisor)
{
    struct error ignored;
    supervisor_capture_done(&supervisor->capture);
    supervisor_begin_talk(supervisor, SUPERVISOR_CAPTURE_CONFIRM_MS);
    /* What the dead one had begun to decode is told of under a new generation. */
    if (supervisor->proxy.process && supervisor->capture.is_on)
        supervisor_capture_equip(supervisor, &ignored);
}

void supervisor_capture_prepare(const struct supervisor *supervisor, struct pollfd *polled)
{
    /* No event is asked for: the end of the other side is told of anyway. */
    for (int i = 0; i < SUPERVISOR_CAPTURE_POLLED; i++)
        polled[i] = (struct pollfd){.fd = supervisor->capture.viewers[i]};
}

void supervisor_capture_handle(struct supervisor *supervisor, const struct pollfd *polled)
{
    for (int i = 0; i < SUPERVISOR_CAPTURE_POLLED; i++)
        if (supervisor->capture.viewers[i] >= 0 && polled[i].fd == supervisor->capture.viewers[i] &&
            polled[i].revents)
            close_viewer(&supervisor->capture.viewers[i]);
    choose(supervisor);
}
