#include "llm/llm_body.h"

#include <string.h>

enum { PIECE_BYTES = 64 * 1024 };

/* How many bytes a character takes that begins so. */
static size_t character_length(uint8_t first)
{
    return first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
}

/* How many bytes at the end begin a character that is not whole. */
static size_t unfinished(struct bytes text)
{
    for (size_t back = 1; back <= 3 && back <= text.length; back++) {
        uint8_t byte = text.data[text.length - back];
        if (byte >= 0xc0)
            return back < character_length(byte) ? back : 0;
        if (byte < 0x80)
            return 0;
    }
    return 0;
}

static void emit(struct llm_draft *draft, enum llm_side side, struct bytes piece, bool goes_on)
{
    if (piece.length == 0)
        return;
    struct llm_event event = llm_draft_event(draft, LLM_BODY);
    event.side = side;
    event.text = piece;
    event.is_open = goes_on;
    llm_draft_emit(draft, &event);
}

/* Complete the character that the last piece began. */
static struct bytes complete_tail(struct llm_body *body, struct llm_draft *draft,
                                  enum llm_side side, struct bytes bytes)
{
    while (body->tail_length && bytes.length) {
        bool is_next = (bytes.data[0] & 0xc0) == 0x80;
        if (is_next) {
            body->tail[body->tail_length++] = bytes.data[0];
            bytes = bytes_from(bytes, 1);
        }
        if (!is_next || body->tail_length == character_length(body->tail[0]))
            llm_body_end(body, draft, side);
    }
    return bytes;
}

void llm_body_tell(struct llm_body *body, struct llm_draft *draft, enum llm_side side,
                   struct bytes bytes)
{
    if (!draft->context->wants_bodies)
        return;
    bytes = complete_tail(body, draft, side, bytes);
    while (bytes.length) {
        struct bytes piece = bytes_first(bytes, PIECE_BYTES);
        size_t tail = unfinished(piece);
        if (piece.length == bytes.length && tail) {
            memcpy(body->tail, piece.data + piece.length - tail, tail);
            body->tail_length = tail;
        }
        bool is_last = piece.length == bytes.length;
        emit(draft, side, bytes_first(piece, piece.length - tail),
             body->is_message && (!is_last || tail));
        if (is_last)
            return;
        bytes = bytes_from(bytes, piece.length - tail);
    }
}

void llm_body_end(struct llm_body *body, struct llm_draft *draft, enum llm_side side)
{
    emit(draft, side, (struct bytes){body->tail, body->tail_length}, false);
    body->tail_length = 0;
}
