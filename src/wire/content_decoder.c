#include "wire/content_decoder.h"

#include "base/check.h"
#include "base/memory.h"
#include "wire/content_coding.h"

#include <stdlib.h>
#include <string.h>

/*
 * Theory of operation
 *
 * Codings stand in the field in the order in which they were applied, so the last one is undone
 * first. Each is a stage with a block of output: a full block goes to the next stage, and only when
 * that has taken it is the block filled again. So a body of any ratio takes the memory of its
 * stages and no more. What each stage has put out is counted: beyond the bounds everything stops.
 */
enum { BLOCK_BYTES = 16 * 1024, UNKNOWN_TEXT_MAX = 32 };

struct stage {
    const struct content_coding *coding; /* static */
    void *state;                         /* owned, by the coding */
    uint8_t *block;                      /* owned */
    uint64_t written;
};

struct content_decoder {
    content_emit *emit;
    void *context; /* borrowed */
    struct content_limits limits;
    struct stage stages[CONTENT_CODINGS_MAX]; /* the first one gets the body */
    size_t stage_count;
    enum content_reason reason;
    size_t stopped_at;                 /* the stage that stopped it */
    uint8_t unknown[UNKNOWN_TEXT_MAX]; /* a coding's text, of CONTENT_CODING_UNKNOWN */
    size_t unknown_length;
    uint64_t coded_bytes;
    uint64_t decoded_bytes;
};

static const char *const reasons[] = {
    [CONTENT_FINE] = "fine",
    [CONTENT_CODING_UNKNOWN] = "the content coding is not known",
    [CONTENT_CODINGS_TOO_MANY] = "there are too many content codings",
    [CONTENT_CORRUPT] = "the coded content is broken",
    [CONTENT_TRAILING] = "bytes follow behind the end of the coded content",
    [CONTENT_WINDOW] = "decoding the content takes more memory than it may",
    [CONTENT_TOO_LONG] = "the decoded content is longer than it may be",
    [CONTENT_RATIO] = "the decoded content is too large for its coded bytes",
    [CONTENT_TRUNCATED] = "the coded content is not complete",
};
_Static_assert(sizeof(reasons) / sizeof(reasons[0]) == CONTENT_REASON_COUNT, "one row a reason");

static const struct content_coding *const codings[] = {&content_gzip, &content_deflate,
                                                       &content_brotli, &content_zstd};

const char *content_reason_text(enum content_reason reason)
{
    return reasons[reason];
}

static const struct content_coding *find_coding(struct bytes name)
{
    for (size_t i = 0; i < sizeof(codings) / sizeof(codings[0]); i++) {
        const struct content_coding *coding = codings[i];
        if (bytes_equal_ignore_case(name, bytes_from_text(coding->name)) ||
            (coding->other_name &&
             bytes_equal_ignore_case(name, bytes_from_text(coding->other_name))))
            return coding;
    }
    return NULL;
}

static void refuse_unknown(struct content_decoder *decoder, struct bytes name)
{
    name = bytes_first(name, UNKNOWN_TEXT_MAX);
    memcpy(decoder->unknown, name.data, name.length);
    decoder->unknown_length = name.length;
    decoder->reason = CONTENT_CODING_UNKNOWN;
}

/* The codings of the field, in its order. */
static void read_encodings(struct content_decoder *decoder, struct bytes encodings)
{
    struct bytes name;
    while (decoder->reason == CONTENT_FINE && bytes_next_token(&encodings, ',', &name)) {
        name = bytes_trim(name);
        if (name.length == 0 || bytes_equal_ignore_case(name, BYTES_LITERAL("identity")))
            continue;
        const struct content_coding *coding = find_coding(name);
        if (coding == NULL)
            refuse_unknown(decoder, name);
        else if (decoder->stage_count == CONTENT_CODINGS_MAX)
            decoder->reason = CONTENT_CODINGS_TOO_MANY;
        else
            decoder->stages[decoder->stage_count++].coding = coding;
    }
}

static void open_stages(struct content_decoder *decoder)
{
    for (size_t i = 0; i < decoder->stage_count / 2; i++) {
        struct stage *mirrored = &decoder->stages[decoder->stage_count - 1 - i];
        struct stage kept = decoder->stages[i];
        decoder->stages[i] = *mirrored;
        *mirrored = kept;
    }
    for (size_t i = 0; i < decoder->stage_count; i++) {
        struct stage *stage = &decoder->stages[i];
        stage->state = stage->coding->open(decoder->limits.window_bytes);
        stage->block = memory_new(BLOCK_BYTES);
    }
}

struct content_decoder *content_decoder_new(struct bytes encodings,
                                            const struct content_limits *limits, content_emit *emit,
                                            void *context)
{
    static const struct content_limits usual = {CONTENT_DECODED_BYTES_MAX, CONTENT_WINDOW_BYTES_MAX,
                                                CONTENT_RATIO_MAX, CONTENT_RATIO_FREE_BYTES};
    struct content_decoder *decoder = memory_new(sizeof(*decoder));
    *decoder = (struct content_decoder){
        .emit = emit, .context = context, .limits = limits ? *limits : usual};
    read_encodings(decoder, encodings);
    if (decoder->reason == CONTENT_FINE)
        open_stages(decoder);
    else
        decoder->stage_count = 0;
    return decoder;
}

void content_decoder_free(struct content_decoder *decoder)
{
    if (decoder == NULL)
        return;
    for (size_t i = 0; i < decoder->stage_count; i++) {
        decoder->stages[i].coding->close(decoder->stages[i].state);
        free(decoder->stages[i].block);
    }
    free(decoder);
}

/* How many bytes the stages may have put out by now, each. */
static uint64_t allowance(const struct content_decoder *decoder)
{
    uint64_t paid = 0;
    if (__builtin_mul_overflow(decoder->coded_bytes, decoder->limits.ratio, &paid) ||
        __builtin_add_overflow(paid, decoder->limits.ratio_free_bytes, &paid))
        return UINT64_MAX;
    return paid;
}

static void stop(struct content_decoder *decoder, enum content_reason reason, size_t stage)
{
    if (decoder->reason != CONTENT_FINE)
        return;
    decoder->reason = reason;
    decoder->stopped_at = stage;
}

/* As many of the bytes that a stage put out as the bounds allow; beyond them everything stops. */
static struct bytes count(struct content_decoder *decoder, size_t index, struct bytes decoded)
{
    struct stage *stage = &decoder->stages[index];
    uint64_t ratio_left = allowance(decoder) - stage->written;
    uint64_t length_left = decoder->limits.decoded_bytes - stage->written;
    uint64_t left = ratio_left < length_left ? ratio_left : length_left;
    if (decoded.length > left) {
        stop(decoder, left == length_left ? CONTENT_TOO_LONG : CONTENT_RATIO, index);
        decoded.length = (size_t)left;
    }
    stage->written += decoded.length;
    return decoded;
}

static void deliver(struct content_decoder *decoder, size_t index, struct bytes input);

static void run_stage(struct content_decoder *decoder, size_t index, struct bytes input)
{
    struct stage *stage = &decoder->stages[index];
    size_t written = 0;
    do {
        size_t before = input.length;
        written = 0;
        enum content_reason reason =
            stage->coding->feed(stage->state, &input, stage->block, BLOCK_BYTES, &written);
        if (index == 0)
            decoder->coded_bytes += before - input.length;
        deliver(decoder, index + 1, count(decoder, index, (struct bytes){stage->block, written}));
        if (reason != CONTENT_FINE)
            stop(decoder, reason, index);
    } while (decoder->reason == CONTENT_FINE && (input.length || written == BLOCK_BYTES));
}

static void deliver(struct content_decoder *decoder, size_t index, struct bytes input)
{
    if (input.length == 0)
        return;
    if (index < decoder->stage_count) {
        run_stage(decoder, index, input);
        return;
    }
    decoder->decoded_bytes += input.length;
    decoder->emit(decoder->context, input);
}

enum parse_status content_decoder_feed(struct content_decoder *decoder, struct bytes input)
{
    if (decoder->reason != CONTENT_FINE)
        return PARSE_BAD;
    if (decoder->stage_count == 0) {
        uint64_t left = decoder->limits.decoded_bytes - decoder->decoded_bytes;
        if (input.length > left)
            stop(decoder, CONTENT_TOO_LONG, 0);
        input = bytes_first(input, left < input.length ? (size_t)left : input.length);
        decoder->coded_bytes += input.length;
    }
    deliver(decoder, 0, input);
    return decoder->reason == CONTENT_FINE ? PARSE_NEED_MORE : PARSE_BAD;
}

enum parse_status content_decoder_end(struct content_decoder *decoder)
{
    for (size_t i = 0; i < decoder->stage_count; i++)
        if (!decoder->stages[i].coding->is_complete(decoder->stages[i].state))
            stop(decoder, CONTENT_TRUNCATED, i);
    return decoder->reason == CONTENT_FINE ? PARSE_OK : PARSE_BAD;
}

enum content_reason content_decoder_reason(const struct content_decoder *decoder)
{
    return decoder->reason;
}

struct bytes content_decoder_coding(const struct content_decoder *decoder)
{
    if (decoder->reason == CONTENT_CODING_UNKNOWN)
        return (struct bytes){decoder->unknown, decoder->unknown_length};
    if (decoder->reason == CONTENT_FINE || decoder->stage_count == 0)
        return BYTES_EMPTY;
    return bytes_from_text(decoder->stages[decoder->stopped_at].coding->name);
}

uint64_t content_decoder_coded_bytes(const struct content_decoder *decoder)
{
    return decoder->coded_bytes;
}

uint64_t content_decoder_decoded_bytes(const struct content_decoder *decoder)
{
    return decoder->decoded_bytes;
}

bool content_decoder_is_identity(const struct content_decoder *decoder)
{
    return decoder->stage_count == 0 && decoder->reason == CONTENT_FINE;
}

size_t content_decoder_held(const struct content_decoder *decoder)
{
    size_t held = 0;
    for (size_t i = 0; i < decoder->stage_count; i++)
        held += BLOCK_BYTES + decoder->stages[i].coding->held(decoder->stages[i].state);
    return held;
}
