/*
 * A server of events and a sink of uploads, over TLS and HTTP/1.1.
 * usage: event-origin ADDRESS PORT CERTIFICATE KEY
 *
 * GET /MILLISECONDS is answered by an endless text/event-stream with one event in so many
 * milliseconds; an event is the moment at which it was written, in nanoseconds of the monotonic
 * clock, which the reader on the same machine compares with its own. POST and PUT are read to
 * their end and answered. One request a connection.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    HEAD_MAX = 16 * 1024,
    BLOCK = 64 * 1024,
    BACKLOG = 4096,
    EVENTS_PER_WAIT = 64,
    LAST_CHUNK = 5, /* bytes of "0\r\n\r\n" */
    NS_PER_MS = 1000000,
};

enum client_state { CLIENT_OPENING, CLIENT_UPLOADING, CLIENT_STREAMING };

struct client {
    TAILQ_ENTRY(client) link; /* while streaming */
    enum client_state state;
    SSL *tls;
    char *head; /* owned; HEAD_MAX + 1 */
    size_t head_length;
    bool is_chunked;
    uint64_t body_left; /* when not chunked */
    char tail[LAST_CHUNK];
    uint64_t interval_ns;
    uint64_t due_ns;
};

TAILQ_HEAD(client_queue, client);

/* Streams of one run have one interval, so the first is the next to be due. */
static struct client_queue streams = TAILQ_HEAD_INITIALIZER(streams);

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 * NS_PER_MS + (uint64_t)now.tv_nsec;
}

static int select_http1(SSL *tls, const unsigned char **selected, unsigned char *length,
                        const unsigned char *offered, unsigned offered_length, void *unused)
{
    static const unsigned char http1[] = "\x08http/1.1";
    unsigned char *found;
    if (SSL_select_next_proto(&found, length, http1, sizeof(http1) - 1, offered, offered_length) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *selected = found;
    return SSL_TLSEXT_ERR_OK;
}

static void end_client(struct client *client)
{
    int descriptor = SSL_get_fd(client->tls);
    if (client->state == CLIENT_STREAMING)
        TAILQ_REMOVE(&streams, client, link);
    SSL_free(client->tls);
    close(descriptor);
    free(client->head);
    free(client);
}

static void begin_stream(struct client *client)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
                                 "x-accel-buffering: no\r\ntransfer-encoding: chunked\r\n\r\n";
    uint64_t interval_ms = strtoull(client->head + strlen("GET /"), NULL, 10);
    client->interval_ns = (interval_ms ? interval_ms : 1000) * NS_PER_MS;
    client->due_ns = now_ns() + client->interval_ns;
    client->state = CLIENT_STREAMING;
    SSL_write(client->tls, answer, sizeof(answer) - 1);
    TAILQ_INSERT_TAIL(&streams, client, link);
}

/* Some of the body. True when it is complete. */
static bool take_body(struct client *client, const char *data, size_t length)
{
    if (!client->is_chunked) {
        client->body_left -= length < client->body_left ? length : client->body_left;
        return client->body_left == 0;
    }
    size_t taken = length < LAST_CHUNK ? length : LAST_CHUNK;
    memmove(client->tail, client->tail + taken, LAST_CHUNK - taken);
    memcpy(client->tail + LAST_CHUNK - taken, data + length - taken, taken);
    return memcmp(client->tail, "0\r\n\r\n", LAST_CHUNK) == 0;
}

static void answer_upload(struct client *client)
{
    static const char answer[] =
        "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    SSL_write(client->tls, answer, sizeof(answer) - 1);
    SSL_shutdown(client->tls);
    end_client(client);
}

static bool read_once(struct client *client);

static void begin_upload(struct client *client)
{
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    const char *body = strstr(client->head, "\r\n\r\n") + 4;
    const char *length = strcasestr(client->head, "content-length:");
    client->state = CLIENT_UPLOADING;
    client->is_chunked = strcasestr(client->head, "transfer-encoding: chunked") != NULL;
    client->body_left = length ? strtoull(length + strlen("content-length:"), NULL, 10) : 0;
    if (strcasestr(client->head, "100-continue"))
        SSL_write(client->tls, go_on, sizeof(go_on) - 1);
    if (take_body(client, body, client->head_length - (size_t)(body - client->head))) {
        answer_upload(client);
        return;
    }
    while (read_once(client))
        continue;
}

/* What there is to read. False when there is nothing more now, or the client is gone. */
static bool read_once(struct client *client)
{
    static char block[BLOCK];
    bool is_opening = client->state == CLIENT_OPENING;
    char *into = is_opening ? client->head + client->head_length : block;
    size_t room = is_opening ? HEAD_MAX - client->head_length : sizeof(block);
    int count = room > 0 ? SSL_read(client->tls, into, (int)room) : 0;
    if (count <= 0) {
        if (room == 0 || SSL_get_error(client->tls, count) != SSL_ERROR_WANT_READ)
            end_client(client);
        return false;
    }
    if (client->state == CLIENT_STREAMING)
        return true;
    if (client->state == CLIENT_UPLOADING) {
        if (!take_body(client, block, (size_t)count))
            return true;
        answer_upload(client);
        return false;
    }
    client->head_length += (size_t)count;
    client->head[client->head_length] = '\0';
    if (strstr(client->head, "\r\n\r\n") == NULL)
        return true;
    if (strncmp(client->head, "GET", 3) == 0)
        begin_stream(client);
    else
        begin_upload(client);
    return false; /* it may be gone; what else there is raises another event, or is not awaited */
}

static void accept_client(int loop, SSL_CTX *context, int listener)
{
    int descriptor = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (descriptor < 0)
        return;
    int on = 1;
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    struct client *client = calloc(1, sizeof(*client));
    client->head = calloc(1, HEAD_MAX + 1);
    client->tls = SSL_new(context);
    SSL_set_fd(client->tls, descriptor);
    SSL_set_accept_state(client->tls);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
    epoll_ctl(loop, EPOLL_CTL_ADD, descriptor, &event);
}

static void send_due(void)
{
    struct client *client;
    while ((client = TAILQ_FIRST(&streams)) != NULL && client->due_ns <= now_ns()) {
        char event[64];
        int length = snprintf(event, sizeof(event), "1c\r\ndata: %020" PRIu64 "\n\n\r\n", now_ns());
        if (SSL_write(client->tls, event, length) <= 0) {
            end_client(client);
            continue;
        }
        TAILQ_REMOVE(&streams, client, link);
        client->due_ns += client->interval_ns;
        TAILQ_INSERT_TAIL(&streams, client, link);
    }
}

static int listen_at(const char *text, const char *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)strtoul(port, NULL, 10))};
    int on = 1;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (inet_pton(AF_INET, text, &address.sin_addr) != 1 ||
        bind(listener, (struct sockaddr *)&address, sizeof(address)) || listen(listener, BACKLOG)) {
        perror("event-origin");
        exit(1);
    }
    return listener;
}

static void serve(int loop, SSL_CTX *context, int listener)
{
    struct epoll_event events[EVENTS_PER_WAIT];
    struct client *first = TAILQ_FIRST(&streams);
    uint64_t now = now_ns();
    uint64_t wait_ns =
        first == NULL ? 1000u * NS_PER_MS : (first->due_ns > now ? first->due_ns - now : 0);
    struct timespec timeout = {(time_t)(wait_ns / (1000u * NS_PER_MS)),
                               (long)(wait_ns % (1000u * NS_PER_MS))};
    int ready = epoll_pwait2(loop, events, EVENTS_PER_WAIT, &timeout, NULL);
    for (int i = 0; i < ready; i++) {
        if (events[i].data.ptr == NULL)
            accept_client(loop, context, listener);
        else
            while (read_once(events[i].data.ptr))
                continue;
    }
    send_due();
}

int main(int count, char **words)
{
    if (count != 5)
        return 2;
    signal(SIGPIPE, SIG_IGN);
    int listener = listen_at(words[1], words[2]);
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_alpn_select_cb(context, select_http1, NULL);
    if (SSL_CTX_use_certificate_chain_file(context, words[3]) != 1 ||
        SSL_CTX_use_PrivateKey_file(context, words[4], SSL_FILETYPE_PEM) != 1)
        return 1;
    int loop = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event wanted = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(loop, EPOLL_CTL_ADD, listener, &wanted);
    for (;;)
        serve(loop, context, listener);
}
