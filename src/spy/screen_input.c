#include "spy/screen_input.h"

#include "base/printable.h"

#include <string.h>

enum { ESCAPE = 0x1b, DELETE = 0x7f, PARAMETER_MAX = 100000 };

enum found { FOUND_EVENT, FOUND_NOTHING, FOUND_PART };

size_t screen_input_add(struct screen_input *input, struct bytes bytes)
{
    bytes = bytes_first(bytes, sizeof(input->held) - input->length);
    if (bytes.length)
        memcpy(input->held + input->length, bytes.data, bytes.length);
    input->length += bytes.length;
    return bytes.length;
}

static void drop(struct screen_input *input, size_t length)
{
    input->length -= length;
    memmove(input->held, input->held + length, input->length);
}

/* A control sequence: parameters, then the byte that says which it is. */
struct sequence {
    uint8_t prefix; /* '<', '?', or 0 */
    int parameters[4];
    size_t count;
    uint8_t final;
};

static enum found key_of_number(int number, struct screen_input_event *event)
{
    static const struct {
        int number;
        enum screen_key key;
    } known[] = {{1, SCREEN_KEY_HOME}, {7, SCREEN_KEY_HOME},    {4, SCREEN_KEY_END},
                 {8, SCREEN_KEY_END},  {5, SCREEN_KEY_PAGE_UP}, {6, SCREEN_KEY_PAGE_DOWN}};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (known[i].number == number) {
            event->key = known[i].key;
            return FOUND_EVENT;
        }
    }
    return FOUND_NOTHING;
}

static enum found key_of_letter(uint8_t letter, bool is_control, struct screen_input_event *event)
{
    static const char letters[] = "ABCDHF";
    static const enum screen_key keys[] = {SCREEN_KEY_UP,   SCREEN_KEY_DOWN, SCREEN_KEY_RIGHT,
                                           SCREEN_KEY_LEFT, SCREEN_KEY_HOME, SCREEN_KEY_END};
    const char *found = letter ? strchr(letters, letter) : NULL;
    if (found == NULL)
        return FOUND_NOTHING;
    event->key = keys[found - letters];
    if (is_control && event->key == SCREEN_KEY_LEFT)
        event->key = SCREEN_KEY_CONTROL_LEFT;
    if (is_control && event->key == SCREEN_KEY_RIGHT)
        event->key = SCREEN_KEY_CONTROL_RIGHT;
    return FOUND_EVENT;
}

/* xterm's numbers: the two lowest bits are the button, 32 is motion, 64 the wheel. */
static enum found mouse_of(int buttons, int column, int row, bool is_release,
                           struct screen_input_event *event)
{
    event->column = column - 1;
    event->row = row - 1;
    int button = buttons & 3;
    if (event->column < 0 || event->row < 0 || buttons >= 128)
        return FOUND_NOTHING;
    if (buttons & 64) {
        event->key = button == 0 ? SCREEN_KEY_WHEEL_UP : SCREEN_KEY_WHEEL_DOWN;
        return button < 2 && !is_release ? FOUND_EVENT : FOUND_NOTHING;
    }
    if (is_release || (button == 3 && !(buttons & 32)))
        event->key = SCREEN_KEY_RELEASE;
    else if (button == 0)
        event->key = buttons & 32 ? SCREEN_KEY_DRAG : SCREEN_KEY_PRESS;
    else
        return FOUND_NOTHING;
    return FOUND_EVENT;
}

static enum found event_of(const struct sequence *sequence, struct screen_input_event *event)
{
    const int *parameters = sequence->parameters;
    if (sequence->prefix == '<' && sequence->count == 3 &&
        (sequence->final == 'M' || sequence->final == 'm'))
        return mouse_of(parameters[0], parameters[1], parameters[2], sequence->final == 'm', event);
    if (sequence->prefix)
        return FOUND_NOTHING;
    if (sequence->final == '~')
        return key_of_number(parameters[0], event);
    bool is_control = sequence->count >= 2 && parameters[1] == 5;
    return key_of_letter(sequence->final, is_control, event);
}

/* After `ESC [`. `*length` is set to the bytes of the whole sequence unless it is a part. */
static enum found read_sequence(const struct screen_input *input, size_t *length,
                                struct screen_input_event *event)
{
    struct sequence sequence = {.count = 1};
    size_t at = 2;
    if (at < input->length && input->held[at] == 'M') {
        *length = 6;
        return input->length < 6 ? FOUND_PART
                                 : mouse_of(input->held[3] - 32, input->held[4] - 32,
                                            input->held[5] - 32, false, event);
    }
    for (; at < input->length; at++) {
        uint8_t byte = input->held[at];
        *length = at + 1;
        if (byte >= 0x40 && byte <= 0x7e) {
            sequence.final = byte;
            return event_of(&sequence, event);
        }
        int *parameter = &sequence.parameters[sequence.count - 1];
        if (byte >= '0' && byte <= '9' && *parameter < PARAMETER_MAX)
            *parameter = *parameter * 10 + byte - '0';
        else if (byte == ';' && sequence.count < 4)
            sequence.count++;
        else if (byte >= 0x3c && byte <= 0x3f && at == 2)
            sequence.prefix = byte;
        else if (byte < 0x20 || byte > 0x3f)
            return FOUND_NOTHING; /* no sequence after all */
    }
    return FOUND_PART;
}

static enum found read_escape(const struct screen_input *input, size_t *length,
                              struct screen_input_event *event)
{
    *length = 1;
    event->key = SCREEN_KEY_ESCAPE;
    if (input->length < 2)
        return FOUND_PART;
    if (input->held[1] == '[')
        return read_sequence(input, length, event);
    if (input->held[1] != 'O')
        return FOUND_EVENT; /* a key for itself, and another follows */
    if (input->length < 3)
        return FOUND_PART;
    *length = 3;
    return key_of_letter(input->held[2], false, event);
}

static enum found read_character(const struct screen_input *input, size_t *length,
                                 struct screen_input_event *event)
{
    uint8_t first = input->held[0];
    *length = 1;
    event->key = SCREEN_KEY_CHARACTER;
    event->code_point = first;
    if (first == '\r' || first == '\n')
        event->key = SCREEN_KEY_ENTER;
    else if (first == '\t')
        event->key = SCREEN_KEY_TAB;
    else if (first == DELETE || first == '\b')
        event->key = SCREEN_KEY_BACKSPACE;
    if (first < 0x80)
        return FOUND_EVENT;
    size_t wanted = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    struct bytes held = {input->held, input->length};
    *length = printable_next_code_point(held, &event->code_point);
    if (*length > 0)
        return FOUND_EVENT;
    *length = 1;
    bool is_start = first >= 0xc2 && first <= 0xf4 && input->length < wanted;
    for (size_t i = 1; i < input->length && is_start; i++)
        is_start = (input->held[i] & 0xc0) == 0x80;
    return is_start ? FOUND_PART : FOUND_NOTHING;
}

bool screen_input_next(struct screen_input *input, bool is_all, struct screen_input_event *event)
{
    while (input->length > 0) {
        struct screen_input_event found = {0};
        size_t length = 0;
        enum found what = input->held[0] == ESCAPE ? read_escape(input, &length, &found)
                                                   : read_character(input, &length, &found);
        if (what == FOUND_PART && !is_all && input->length < sizeof(input->held))
            return false;
        if (what == FOUND_PART && input->held[0] == ESCAPE && input->length == 1) {
            what = FOUND_EVENT;
            length = 1;
            found = (struct screen_input_event){.key = SCREEN_KEY_ESCAPE};
        } else if (what == FOUND_PART) {
            length = input->length; /* broken off */
        }
        drop(input, length);
        if (what == FOUND_EVENT) {
            *event = found;
            return true;
        }
    }
    return false;
}
