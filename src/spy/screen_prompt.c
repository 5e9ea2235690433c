#include "spy/screen_prompt.h"

#include <stdio.h>
#include <string.h>

enum { CONTROL_C = 3, CONTROL_U = 21, CONTROL_W = 23 };

void screen_prompt_begin(struct screen_prompt *prompt, enum screen_prompt_kind kind,
                         const char *text)
{
    prompt->kind = kind;
    snprintf(prompt->text, SCREEN_PROMPT_MAX, "%s", text);
    prompt->length = strlen(prompt->text);
}

static void drop_character(struct screen_prompt *prompt)
{
    while (prompt->length > 0) {
        uint8_t byte = (uint8_t)prompt->text[--prompt->length];
        if ((byte & 0xc0) != 0x80)
            break;
    }
    prompt->text[prompt->length] = '\0';
}

static void drop_word(struct screen_prompt *prompt)
{
    while (prompt->length > 0 && prompt->text[prompt->length - 1] == ' ')
        drop_character(prompt);
    while (prompt->length > 0 && prompt->text[prompt->length - 1] != ' ')
        drop_character(prompt);
}

static void add_character(struct screen_prompt *prompt, uint32_t code_point)
{
    char *out = prompt->text + prompt->length;
    if (prompt->length + 4 > SCREEN_PROMPT_MAX)
        return;
    size_t length = code_point < 0x80 ? 1 : code_point < 0x800 ? 2 : code_point < 0x10000 ? 3 : 4;
    for (size_t i = length - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (code_point & 0x3f));
        code_point >>= 6;
    }
    out[0] = (char)(length == 1 ? code_point : (0xf00 >> length | code_point));
    prompt->length += length;
    prompt->text[prompt->length] = '\0';
}

enum screen_prompt_result screen_prompt_key(struct screen_prompt *prompt,
                                            const struct screen_input_event *event)
{
    uint32_t code_point = event->code_point;
    if (event->key == SCREEN_KEY_ENTER)
        return SCREEN_PROMPT_DONE;
    if (event->key == SCREEN_KEY_ESCAPE ||
        (event->key == SCREEN_KEY_CHARACTER && code_point == CONTROL_C))
        return SCREEN_PROMPT_CANCELLED;
    if (prompt->kind == SCREEN_PROMPT_OVERWRITE) {
        bool is_yes = event->key == SCREEN_KEY_CHARACTER && (code_point | 0x20) == 'y';
        return is_yes ? SCREEN_PROMPT_DONE : SCREEN_PROMPT_CANCELLED;
    }
    if (event->key == SCREEN_KEY_BACKSPACE && prompt->length == 0)
        return SCREEN_PROMPT_CANCELLED;
    if (event->key == SCREEN_KEY_BACKSPACE)
        drop_character(prompt);
    else if (event->key == SCREEN_KEY_CHARACTER && code_point == CONTROL_U)
        screen_prompt_begin(prompt, prompt->kind, "");
    else if (event->key == SCREEN_KEY_CHARACTER && code_point == CONTROL_W)
        drop_word(prompt);
    else if (event->key == SCREEN_KEY_CHARACTER && code_point >= ' ')
        add_character(prompt, code_point);
    return SCREEN_PROMPT_GOES_ON;
}

int screen_prompt_draw(const struct screen_prompt *prompt, struct screen_pen *pen)
{
    static const char *const questions[] = {
        [SCREEN_PROMPT_NONE] = "",
        [SCREEN_PROMPT_SEARCH] = "/",
        [SCREEN_PROMPT_FILTER] = "filter: ",
        [SCREEN_PROMPT_SAVE] = "save to: ",
        [SCREEN_PROMPT_OVERWRITE] = "this file exists: overwrite it? (y/n) ",
    };
    screen_pen_format(pen, SCREEN_BOLD, "%s", questions[prompt->kind]);
    struct bytes text = {(const uint8_t *)prompt->text, prompt->length};
    while (text.length && screen_glyph_columns(text) + 1 > (size_t)screen_pen_left(pen))
        text = bytes_from(text, screen_glyph_first(text).length);
    screen_pen_text(pen, SCREEN_PLAIN, text);
    return pen->column;
}
