#include "system/progress.h"

#include "system/wall_clock.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { REDRAW_INTERVAL_MS = 200, BAR_WIDTH = 24, MEGABYTE = 1000000 };

bool progress_is_on_terminal(void)
{
    return isatty(STDERR_FILENO) == 1;
}

static void draw_bar(const struct progress *progress)
{
    uint64_t done = progress->done < progress->total ? progress->done : progress->total;
    int filled = (int)((double)done / (double)progress->total * BAR_WIDTH);
    char bar[BAR_WIDTH + 1];
    memset(bar, '.', BAR_WIDTH);
    memset(bar, '#', (size_t)filled);
    bar[BAR_WIDTH] = '\0';
    if (progress->is_bytes)
        fprintf(stderr, " [%s] %.1f of %.1f MB", bar, (double)done / MEGABYTE,
                (double)progress->total / MEGABYTE);
    else
        fprintf(stderr, " [%s] %llu of %llu", bar, (unsigned long long)done,
                (unsigned long long)progress->total);
}

static void draw(struct progress *progress, int64_t now_ms)
{
    double elapsed = (double)(now_ms - progress->start_ms) / 1000;
    bool is_first = progress->drawn_ms == 0;
    progress->drawn_ms = now_ms;
    if (!progress_is_on_terminal()) {
        if (is_first)
            fprintf(stderr, "rootcell: %s ...\n", progress->text);
        return;
    }
    fprintf(stderr, "\r\033[Krootcell: %s", progress->text);
    if (progress->total > 0)
        draw_bar(progress);
    fprintf(stderr, " (%.0f s)", elapsed);
    fflush(stderr);
}

void progress_begin(struct progress *progress, const char *text, int64_t quiet_ms)
{
    *progress = (struct progress){
        .text = text, .start_ms = wall_clock_monotonic_ms(), .quiet_ms = quiet_ms};
    progress_tick(progress);
}

void progress_tick(struct progress *progress)
{
    if (progress->text == NULL)
        return;
    int64_t now_ms = wall_clock_monotonic_ms();
    if (now_ms - progress->start_ms < progress->quiet_ms)
        return;
    if (progress->drawn_ms == 0 || now_ms - progress->drawn_ms >= REDRAW_INTERVAL_MS)
        draw(progress, now_ms);
}

void progress_count(struct progress *progress, uint64_t done, uint64_t total, bool is_bytes)
{
    progress->done = done;
    progress->total = total;
    progress->is_bytes = is_bytes;
    progress_tick(progress);
}

void progress_end(struct progress *progress)
{
    if (progress->text && progress->drawn_ms > 0)
        fprintf(stderr, "%srootcell: %s: done in %.1f s\n",
                progress_is_on_terminal() ? "\r\033[K" : "", progress->text,
                (double)(wall_clock_monotonic_ms() - progress->start_ms) / 1000);
    progress->text = NULL;
}

void progress_abandon(struct progress *progress)
{
    if (progress->text && progress->drawn_ms > 0 && progress_is_on_terminal())
        fputs("\n", stderr);
    progress->text = NULL;
}
