#include "spy/screen_keys.h"

#include <string.h>

static const struct screen_key_row rows[] = {
    {SCREEN_NEXT_CALL, "]", {0}, "]", "next call", "Calls"},
    {SCREEN_PREVIOUS_CALL, "[", {0}, "[", "previous call", NULL},
    {SCREEN_FIRST_CALL, "<", {SCREEN_KEY_HOME}, "< Home", "first call", NULL},
    {SCREEN_LAST_CALL, ">", {SCREEN_KEY_END}, "> End", "last call", NULL},
    {SCREEN_NEXT_CONVERSATION, "}", {0}, "}", "next conversation", NULL},
    {SCREEN_PREVIOUS_CONVERSATION, "{", {0}, "{", "previous conversation", NULL},
    {SCREEN_NEXT_ERROR, "!", {0}, "!", "next error", NULL},
    {SCREEN_FOLLOW, "F", {0}, "F", "follow each new call", NULL},
    {SCREEN_PAUSE, "p", {0}, "p", "pause, and go on", NULL},
    {SCREEN_GROUP, "g", {0}, "g", "group by conversation", NULL},
    {SCREEN_FOLD_CONVERSATION, "-", {0}, "-", "fold a conversation", NULL},
    {SCREEN_NEXT_SECTION, "j", {0}, "j", "next section", "Detail"},
    {SCREEN_PREVIOUS_SECTION, "k", {0}, "k", "previous section", NULL},
    {SCREEN_SCROLL_UP, "", {SCREEN_KEY_UP}, "Up", "scroll up", NULL},
    {SCREEN_SCROLL_DOWN, "", {SCREEN_KEY_DOWN}, "Down", "scroll down", NULL},
    {SCREEN_PAGE_UP, "", {SCREEN_KEY_PAGE_UP}, "PgUp", "a page up", NULL},
    {SCREEN_PAGE_DOWN, "", {SCREEN_KEY_PAGE_DOWN}, "PgDn", "a page down", NULL},
    {SCREEN_TOGGLE, " ", {SCREEN_KEY_ENTER}, "Enter Space", "open or fold", NULL},
    {SCREEN_FOLD, "h", {SCREEN_KEY_LEFT}, "h Left", "fold a section", NULL},
    {SCREEN_UNFOLD, "l", {SCREEN_KEY_RIGHT}, "l Right", "open a section", NULL},
    {SCREEN_FOLD_ALL, "c", {0}, "c", "fold all", NULL},
    {SCREEN_UNFOLD_ALL, "e", {0}, "e", "open all", NULL},
    {SCREEN_DIFF, "d", {0}, "d", "diff to the call before", NULL},
    {SCREEN_RAW, "r", {0}, "r", "bodies and headers", NULL},
    {SCREEN_HEX, "x", {0}, "x", "bytes in hexadecimal", NULL},
    {SCREEN_COPY, "y", {0}, "y", "copy the section", NULL},
    {SCREEN_SAVE, "s", {0}, "s", "save the section", NULL},
    {SCREEN_SEARCH, "/", {0}, "/", "search, here and on", "Find"},
    {SCREEN_FIND_NEXT, "n", {0}, "n", "next place", NULL},
    {SCREEN_FIND_PREVIOUS, "N", {0}, "N", "previous place", NULL},
    {SCREEN_FILTER, "f&", {0}, "f &", "show some calls only", NULL},
    {SCREEN_CANCEL, "", {SCREEN_KEY_ESCAPE}, "Esc", "end search or filter", NULL},
    {SCREEN_NEXT_TAB, "", {SCREEN_KEY_TAB}, "Tab", "calls, other traffic", "View"},
    {SCREEN_NARROWER, ",", {SCREEN_KEY_CONTROL_LEFT}, ", Ctrl-Left", "narrower list", NULL},
    {SCREEN_WIDER, ".", {SCREEN_KEY_CONTROL_RIGHT}, ". Ctrl-Right", "wider list", NULL},
    {SCREEN_PANES, "z", {0}, "z", "both, detail, list only", NULL},
    {SCREEN_TIME_ZONE, "t", {0}, "t", "UTC or local time", NULL},
    {SCREEN_REDRAW, "\x0c", {0}, "Ctrl-L", "draw the screen anew", NULL},
    {SCREEN_HELP, "?", {0}, "?", "this help", NULL},
    {SCREEN_QUIT, "q\x03", {0}, "q Ctrl-C", "quit", NULL},
};

const struct screen_key_row *screen_keys_rows(size_t *count)
{
    *count = sizeof(rows) / sizeof(rows[0]);
    return rows;
}

enum screen_action screen_keys_find(const struct screen_input_event *event)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (event->key != SCREEN_KEY_CHARACTER) {
            if (event->key == rows[i].keys[0] || event->key == rows[i].keys[1])
                return rows[i].action;
        } else if (event->code_point > 0 && event->code_point < 0x80 &&
                   strchr(rows[i].characters, (int)event->code_point)) {
            return rows[i].action;
        }
    }
    return SCREEN_NOTHING;
}

/* Each word begins with what has no width: many of them would be macros or punctuation. */
static bool add_keys(struct buffer *out, const char *shown)
{
    bool is_fine = buffer_append_text(out, ".It Cm");
    bool is_first = true;
    for (; *shown && is_fine; shown++) {
        if (is_first)
            is_fine = buffer_append_text(out, " \\&");
        is_first = *shown == ' ';
        if (!is_first)
            is_fine = is_fine && buffer_append_byte(out, (uint8_t)*shown);
    }
    return is_fine && buffer_append_byte(out, '\n');
}

bool screen_keys_manual(struct buffer *out)
{
    bool is_fine = true;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && is_fine; i++) {
        if (rows[i].chapter)
            is_fine = buffer_append_format(out, "%s.Ss %s\n.Bl -tag -width 14n\n",
                                           i > 0 ? ".El\n" : "", rows[i].chapter);
        is_fine = is_fine && add_keys(out, rows[i].shown) &&
                  buffer_append_format(out, "%s\n", rows[i].summary);
    }
    return is_fine && buffer_append_text(out, ".El\n");
}
