/*
 * Reads streams of events and tells how late they came.
 * usage: event-client h1|h2 ADDRESS PORT NAME STREAMS INTERVAL_MS SECONDS
 *
 * One connection a stream for HTTP/1.1, up to a hundred streams a connection for HTTP/2. Output:
 * one line `COUNT P50 P99 MAX`, microseconds between the writing of an event and its arrival here.
 * The first quarter of the time is for the streams to open and is not counted.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <nghttp2/nghttp2.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { SAMPLES_MAX = 4 * 1024 * 1024, STREAMS_PER_CONNECTION = 100, EVENTS_PER_WAIT = 64 };
enum { MARK_LENGTH = 6, NUMBER_LENGTH = 20 };

/* The search for `data: ` and twenty digits, across the borders of blocks. */
struct event_search {
    unsigned matched;
    unsigned digits;
    uint64_t number;
};

struct connection {
    SSL *tls;
    nghttp2_session *session; /* NULL: HTTP/1.1 */
    struct event_search search[STREAMS_PER_CONNECTION];
};

static uint32_t *samples;
static size_t sample_count;
static uint64_t counted_from_ns;

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void fail(const char *what)
{
    fprintf(stderr, "event-client: %s\n", what);
    exit(1);
}

static void search(struct event_search *state, const uint8_t *data, size_t length)
{
    static const char mark[] = "data: ";
    uint64_t now = now_ns();
    for (size_t i = 0; i < length; i++) {
        if (state->matched < MARK_LENGTH) {
            state->matched = data[i] == (uint8_t)mark[state->matched] ? state->matched + 1 : 0;
            continue;
        }
        state->number = state->number * 10 + (uint64_t)(data[i] - '0');
        if (++state->digits < NUMBER_LENGTH)
            continue;
        if (state->number >= counted_from_ns && sample_count < SAMPLES_MAX)
            samples[sample_count++] = (uint32_t)((now - state->number) / 1000);
        *state = (struct event_search){0};
    }
}

static SSL *connect_tls(SSL_CTX *context, const struct sockaddr_in *address, const char *name,
                        bool is_h2)
{
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1;
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (connect(descriptor, (const struct sockaddr *)address, sizeof(*address)))
        fail("no connection");
    SSL *tls = SSL_new(context);
    SSL_set_fd(tls, descriptor);
    SSL_set_tlsext_host_name(tls, name);
    const char *protocol = is_h2 ? "\x02h2" : "\x08http/1.1";
    SSL_set_alpn_protos(tls, (const unsigned char *)protocol, (unsigned)strlen(protocol));
    if (SSL_connect(tls) != 1)
        fail("no TLS");
    return tls;
}

static ssize_t on_send(nghttp2_session *session, const uint8_t *data, size_t length, int flags,
                       void *user_data)
{
    struct connection *connection = user_data;
    int count = SSL_write(connection->tls, data, (int)length);
    return count > 0 ? count : NGHTTP2_ERR_CALLBACK_FAILURE;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *data,
                   size_t length, void *user_data)
{
    struct connection *connection = user_data;
    search(&connection->search[(stream - 1) / 2 % STREAMS_PER_CONNECTION], data, length);
    return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t stream, uint32_t code, void *user_data)
{
    fail("a stream ended");
    return 0;
}

static void ask_h2(struct connection *connection, const char *name, const char *path,
                   unsigned streams)
{
    nghttp2_session_callbacks *callbacks;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_send_callback(callbacks, on_send);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    nghttp2_session_client_new(&connection->session, callbacks, connection);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_submit_settings(connection->session, NGHTTP2_FLAG_NONE, NULL, 0);
#define FIELD(name, value) {(uint8_t *)(name), (uint8_t *)(value), strlen(name), strlen(value), 0}
    nghttp2_nv fields[] = {FIELD(":method", "GET"), FIELD(":scheme", "https"),
                           FIELD(":authority", name), FIELD(":path", path)};
    for (unsigned i = 0; i < streams; i++)
        nghttp2_submit_request(connection->session, NULL, fields, 4, NULL, NULL);
    if (nghttp2_session_send(connection->session))
        fail("cannot ask");
}

static void ask_h1(struct connection *connection, const char *name, const char *path)
{
    char request[512];
    int length =
        snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", path, name);
    if (SSL_write(connection->tls, request, length) != length)
        fail("cannot ask");
}

static void read_all(struct connection *connection)
{
    static uint8_t block[64 * 1024];
    int count;
    while ((count = SSL_read(connection->tls, block, sizeof(block))) > 0) {
        if (connection->session == NULL)
            search(&connection->search[0], block, (size_t)count);
        else if (nghttp2_session_mem_recv(connection->session, block, (size_t)count) != count ||
                 nghttp2_session_send(connection->session))
            fail("the session broke");
    }
    if (SSL_get_error(connection->tls, count) != SSL_ERROR_WANT_READ)
        fail("a connection ended");
}

static int compare(const void *one, const void *other)
{
    uint32_t a = *(const uint32_t *)one;
    uint32_t b = *(const uint32_t *)other;
    return a < b ? -1 : a > b;
}

static void tell(void)
{
    qsort(samples, sample_count, sizeof(samples[0]), compare);
    if (sample_count == 0)
        fail("no event came");
    printf("%zu %u %u %u\n", sample_count, samples[sample_count / 2],
           samples[sample_count * 99 / 100], samples[sample_count - 1]);
}

static void open_all(int loop, char **words, unsigned streams, bool is_h2)
{
    char path[64];
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)strtoul(words[3], NULL, 10))};
    if (inet_pton(AF_INET, words[2], &address.sin_addr) != 1)
        fail("no address");
    snprintf(path, sizeof(path), "/%s", words[6]);
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    while (streams > 0) {
        unsigned share = is_h2 ? STREAMS_PER_CONNECTION : 1;
        share = share < streams ? share : streams;
        struct connection *connection = calloc(1, sizeof(*connection));
        connection->tls = connect_tls(context, &address, words[4], is_h2);
        if (is_h2)
            ask_h2(connection, words[4], path, share);
        else
            ask_h1(connection, words[4], path);
        int descriptor = SSL_get_fd(connection->tls);
        fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
        epoll_ctl(loop, EPOLL_CTL_ADD, descriptor, &event);
        read_all(connection);
        streams -= share;
    }
}

int main(int count, char **words)
{
    if (count != 8)
        return 2;
    signal(SIGPIPE, SIG_IGN);
    bool is_h2 = !strcmp(words[1], "h2");
    uint64_t run_ns = strtoull(words[7], NULL, 10) * 1000000000u;
    samples = malloc(SAMPLES_MAX * sizeof(samples[0]));
    int loop = epoll_create1(EPOLL_CLOEXEC);
    counted_from_ns = UINT64_MAX;
    open_all(loop, words, (unsigned)strtoul(words[5], NULL, 10), is_h2);
    counted_from_ns = now_ns() + run_ns / 4;
    uint64_t until_ns = now_ns() + run_ns;
    while (now_ns() < until_ns) {
        struct epoll_event events[EVENTS_PER_WAIT];
        int ready = epoll_wait(loop, events, EVENTS_PER_WAIT, 100);
        for (int i = 0; i < ready; i++)
            read_all(events[i].data.ptr);
    }
    tell();
    return 0;
}
