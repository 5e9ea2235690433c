#ifndef LLM_LLM_EVENT_H
#define LLM_LLM_EVENT_H

#include "base/bytes.h"

/*
 * Theory of Operation
 *
 * A call is one request to a language model with its answer. What is known of it arrives in
 * pieces, and each piece is an event: the decoders make events from captured bytes (in the
 * recorder of the firewall), they travel as lines of JSON (llm_event_json.h), and the viewer folds
 * them into calls again (llm_call.h) and shows them.
 *
 * Order. The events of a call begin with LLM_CALL and end with LLM_END; between them
 *
 *   LLM_CALL  LLM_REQUEST  LLM_BLOCK (request)...  LLM_RESPONSE  { LLM_BLOCK LLM_DELTA... }...
 *       LLM_USAGE  LLM_STOP  LLM_END
 *
 * where a server may answer before a request is whole, any event but the first and the last may be
 * missing, LLM_ERROR, LLM_NATIVE and LLM_BODY may stand anywhere, and events of several calls
 * interleave. A viewer that attaches late sees calls without their beginning. LLM_RESPONSE comes
 * when the head does, and once more with id and model when the body tells them.
 *
 * A block of the response is announced when it starts (LLM_BLOCK, is_open, perhaps without text),
 * grows by LLM_DELTA, and is told once more, whole and closed, when it ends. Blocks of a request
 * are whole at once. Of a text longer than LLM_EVENT_TEXT_MAX only the first part stands in a
 * block, with the size of the rest in `bytes`; the rest comes by deltas before its end, on both
 * sides. `block` counts from 0 within a side of a call.
 *
 * All texts are UTF-8 as the peers sent them (llm_json.h says what becomes of what is none), and
 * hostile: whoever shows one filters it.
 */

/* A line of JSON holds an event with two such texts, whatever they consist of. */
enum { LLM_EVENT_TEXT_MAX = 1024 * 1024 };

/** Kinds of events. Names in JSON: llm_event_kind_name. */
enum llm_event_kind {
    LLM_CALL,     /* a call began; what its request's head says */
    LLM_REQUEST,  /* what the request says about itself, without its blocks */
    LLM_BLOCK,    /* a block of the request or of the response */
    LLM_DELTA,    /* `text` is appended to an open block of the response */
    LLM_RESPONSE, /* the response's head came */
    LLM_USAGE,  /* token counts, as far as known; later ones replace earlier ones field by field */
    LLM_STOP,   /* why the model stopped */
    LLM_ERROR,  /* an error, told by the provider (whatever the HTTP status) or by the wall */
    LLM_NATIVE, /* an event of the provider that the decoder has no place for, as it came */
    LLM_BODY,   /* a piece of a body, decompressed; only when somebody asked for bodies */
    LLM_END,    /* the call is over */
    LLM_AUDIT,  /* no part of a call: a record of the audit log, `text` is its JSON */
    LLM_LOST,   /* no part of a call: `count` events were dropped here */
    LLM_EVENT_KIND_COUNT
};

/** Which of the provider's interfaces is spoken. Names are those of the provider files. */
enum llm_api {
    LLM_API_ANTHROPIC_MESSAGES,
    LLM_API_ANTHROPIC_COUNT_TOKENS,
    LLM_API_BEDROCK_CONVERSE,
    LLM_API_BEDROCK_CONVERSE_STREAM,
    LLM_API_BEDROCK_INVOKE,
    LLM_API_BEDROCK_INVOKE_STREAM,
    LLM_API_BEDROCK_COUNT_TOKENS,
    LLM_API_OPENAI_RESPONSES,
    LLM_API_OPENAI_CHAT,
    LLM_API_OTHER, /* of a provider's host, without a decoder: head and bodies only */
    LLM_API_COUNT
};

enum llm_side { LLM_SIDE_REQUEST, LLM_SIDE_RESPONSE };

enum llm_section { LLM_SECTION_SYSTEM, LLM_SECTION_TOOLS, LLM_SECTION_MESSAGES };

enum llm_role { LLM_ROLE_NONE, LLM_ROLE_SYSTEM, LLM_ROLE_USER, LLM_ROLE_ASSISTANT, LLM_ROLE_TOOL };

/** What a block holds; `text` is what is said there. */
enum llm_block_kind {
    LLM_BLOCK_TEXT,        /* text */
    LLM_BLOCK_THINKING,    /* text of the reasoning, or its summary */
    LLM_BLOCK_REDACTED,    /* reasoning that only the provider can read; size in `bytes` */
    LLM_BLOCK_TOOL_CALL,   /* id, name; text: arguments, JSON or free text, exactly as sent */
    LLM_BLOCK_TOOL_RESULT, /* id of the call; text; is_error */
    LLM_BLOCK_TOOL,        /* a tool's definition: name; text: description; json: schema */
    LLM_BLOCK_MEDIA,       /* name: media type; size in `bytes`; text: where it is, if by URL */
    LLM_BLOCK_CACHE_POINT, /* the prompt is cached up to here; text: time to live */
    LLM_BLOCK_OTHER,       /* name: its native type; json: all of it */
    LLM_BLOCK_KIND_COUNT
};

enum llm_transport { LLM_TRANSPORT_HTTP1, LLM_TRANSPORT_HTTP2, LLM_TRANSPORT_WEBSOCKET };

/** Token counts; -1 is not told. All but `native` mean the same for every provider. */
struct llm_usage {
    int64_t input;       /* whole prompt: not cached, cache read and cache write together */
    int64_t cache_read;  /* of input */
    int64_t cache_write; /* of input */
    int64_t output;      /* reasoning included */
    int64_t reasoning;   /* of output */
    struct bytes native; /* the provider's own object, JSON */
};

/** Fields that an event does not have are empty, 0, or -1 where 0 means something. */
struct llm_event {
    enum llm_event_kind kind;
    uint64_t call;    /* number of the call; 0: no part of a call */
    uint64_t time_ms; /* since 1970, UTC */

    /* LLM_CALL; `api`, `model`, `session`, `parent`, `operation` also in LLM_REQUEST */
    struct bytes provider; /* name of the provider file: "anthropic" */
    enum llm_api api;
    enum llm_transport transport;
    uint64_t exchange; /* several calls of one WebSocket share it */
    struct bytes host;
    struct bytes method;
    struct bytes path;    /* query secrets redacted */
    struct bytes headers; /* JSON [["name","value"]...], redacted; also in LLM_RESPONSE */

    /* LLM_REQUEST */
    struct bytes operation;  /* "stream", "create", "count", "prewarm", "title"... */
    struct bytes model;      /* asked for; in LLM_RESPONSE or LLM_STOP: the one that answered */
    struct bytes session;    /* the client's own id of the conversation */
    struct bytes parent;     /* id of the response that this call goes on from */
    struct bytes parameters; /* JSON object: max_tokens, temperature, thinking... */
    /* Of the body, decompressed; also in LLM_END for the response. In LLM_BLOCK: size of what is
     * not shown, or in a block that ends, of the text that was told by deltas only. */
    uint64_t bytes;
    uint64_t wire_bytes; /* of the body, as it travelled; also in LLM_END for the response */

    /* LLM_BLOCK, LLM_DELTA */
    enum llm_side side; /* also LLM_BODY, LLM_NATIVE */
    enum llm_section section;
    enum llm_role role;
    enum llm_block_kind block_kind;
    uint32_t block;   /* number within the side */
    uint32_t message; /* number of the message that it stands in, within its section */
    bool is_open;     /* deltas follow; LLM_BODY: the message of a WebSocket goes on */
    bool is_error;    /* LLM_BLOCK_TOOL_RESULT: the tool failed */
    struct bytes id;  /* of a tool call; LLM_RESPONSE, LLM_STOP: the response's own id */
    struct bytes name;
    struct bytes text; /* LLM_BODY: the piece (encoding in JSON is told there) */
    struct bytes json;

    /* LLM_RESPONSE */
    uint16_t status;

    /* LLM_USAGE */
    struct llm_usage usage;

    /* LLM_STOP: `name` is the native reason. LLM_ERROR: `name` its type, `text` its message. */

    /* LLM_END */
    int64_t first_byte_ms; /* from the call's begin to the first byte of the response's body */
    int64_t duration_ms;
    bool is_truncated; /* not all of it was captured, or it broke off: `text` says which */

    /* LLM_LOST */
    uint64_t count;
};

/** All empty; numbers for which 0 means something are -1. */
struct llm_event llm_event_make(enum llm_event_kind kind, uint64_t call);

/** Who is given events. The event and all it names are borrowed for the call. */
typedef void llm_event_fn(void *context, const struct llm_event *event);

const char *llm_event_kind_name(enum llm_event_kind kind);
const char *llm_api_name(enum llm_api api);
/** False for a word that is none. */
bool llm_api_find(struct bytes word, enum llm_api *api);
const char *llm_block_kind_name(enum llm_block_kind kind);
const char *llm_role_name(enum llm_role role);
const char *llm_section_name(enum llm_section section);
const char *llm_transport_name(enum llm_transport transport);

#endif
