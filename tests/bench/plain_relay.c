/*
 * The limit: TLS on both sides and nothing between them. No name, no rule, no HTTP, no record.
 * usage: plain-relay ADDRESS PORT CERTIFICATE KEY SERVER PORT NAME AUTHORITIES
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BLOCK = 64 * 1024, READ_AHEAD = 64 * 1024, BACKLOG = 4096, EVENTS_PER_WAIT = 64 };

struct pair;

struct side {
    struct pair *pair; /* NULL: the listener */
    SSL *tls;
    uint8_t block[BLOCK]; /* read from this side, for the other one */
    size_t length;
    size_t sent;
};

struct pair {
    struct side agent;
    struct side server;
    struct pair *next_dead;
    bool is_dead;
};

static struct sockaddr_in address_of(const char *text, const char *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)strtoul(port, NULL, 10))};
    if (inet_pton(AF_INET, text, &address.sin_addr) != 1)
        exit(2);
    return address;
}

static void watch(int loop, struct side *side)
{
    int descriptor = SSL_get_fd(side->tls);
    int on = 1;
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                                .data.ptr = side};
    epoll_ctl(loop, EPOLL_CTL_ADD, descriptor, &event);
}

static void end_side(struct side *side)
{
    if (side->tls == NULL)
        return;
    int descriptor = SSL_get_fd(side->tls);
    SSL_shutdown(side->tls);
    SSL_free(side->tls);
    if (descriptor >= 0)
        close(descriptor);
}

/* Handshakes block: the relay serves bulk and keep-alive, where they do not count. */
static void open_pair(int loop, int listener, SSL_CTX *server_context, SSL_CTX *client_context,
                      char **words)
{
    int descriptor = accept(listener, NULL, NULL);
    if (descriptor < 0)
        return;
    struct timeval patience = {.tv_sec = 5};
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    struct pair *pair = calloc(1, sizeof(*pair));
    pair->agent.pair = pair->server.pair = pair;
    pair->agent.tls = SSL_new(server_context);
    pair->server.tls = SSL_new(client_context);
    SSL_set_fd(pair->agent.tls, descriptor);
    struct sockaddr_in address = address_of(words[5], words[6]);
    int upstream = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool is_open = SSL_accept(pair->agent.tls) == 1 &&
                   connect(upstream, (struct sockaddr *)&address, sizeof(address)) == 0;
    SSL_set_fd(pair->server.tls, upstream);
    SSL_set_tlsext_host_name(pair->server.tls, words[7]);
    SSL_set1_host(pair->server.tls, words[7]);
    const unsigned char *protocol;
    unsigned length;
    SSL_get0_alpn_selected(pair->agent.tls, &protocol, &length);
    unsigned char offer[UINT8_MAX + 1] = {(unsigned char)length};
    if (is_open && length > 0) {
        memcpy(offer + 1, protocol, length);
        SSL_set_alpn_protos(pair->server.tls, offer, length + 1);
    }
    if (!is_open || SSL_connect(pair->server.tls) != 1) {
        end_side(&pair->agent);
        end_side(&pair->server);
        free(pair);
        return;
    }
    watch(loop, &pair->agent);
    watch(loop, &pair->server);
}

/* Pass on until one side has nothing or the other takes nothing. False at the end. */
static bool pump(struct side *from, struct side *to)
{
    for (;;) {
        while (from->sent < from->length) {
            int count =
                SSL_write(to->tls, from->block + from->sent, (int)(from->length - from->sent));
            if (count <= 0)
                return SSL_get_error(to->tls, count) == SSL_ERROR_WANT_WRITE;
            from->sent += (size_t)count;
        }
        int count = SSL_read(from->tls, from->block, sizeof(from->block));
        if (count <= 0)
            return SSL_get_error(from->tls, count) == SSL_ERROR_WANT_READ;
        from->length = (size_t)count;
        from->sent = 0;
    }
}

static int select_any(SSL *tls, const unsigned char **selected, unsigned char *length,
                      const unsigned char *offered, unsigned offered_length, void *unused)
{
    /* The first that the agent offers, whatever it is. */
    *selected = offered + 1;
    *length = offered[0];
    return SSL_TLSEXT_ERR_OK;
}

static SSL_CTX *common(SSL_CTX *context)
{
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_default_read_buffer_len(context, READ_AHEAD);
    return context;
}

static int listen_at(const struct sockaddr_in *address)
{
    int on = 1;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(listener, (const struct sockaddr *)address, sizeof(*address)) ||
        listen(listener, BACKLOG)) {
        perror("plain-relay");
        exit(1);
    }
    return listener;
}

static void serve(struct epoll_event *event, struct pair **dead)
{
    struct pair *pair = ((struct side *)event->data.ptr)->pair;
    if (pair->is_dead)
        return;
    if (!pump(&pair->agent, &pair->server) || !pump(&pair->server, &pair->agent)) {
        pair->is_dead = true;
        pair->next_dead = *dead;
        *dead = pair;
    }
}

static void bury(struct pair *dead)
{
    while (dead) {
        struct pair *next = dead->next_dead;
        end_side(&dead->agent);
        end_side(&dead->server);
        free(dead);
        dead = next;
    }
}

int main(int count, char **words)
{
    if (count != 9)
        return 2;
    signal(SIGPIPE, SIG_IGN);
    SSL_CTX *server_context = common(SSL_CTX_new(TLS_server_method()));
    SSL_CTX *client_context = common(SSL_CTX_new(TLS_client_method()));
    SSL_CTX_set_alpn_select_cb(server_context, select_any, NULL);
    SSL_CTX_set_verify(client_context, SSL_VERIFY_PEER, NULL);
    if (SSL_CTX_use_certificate_chain_file(server_context, words[3]) != 1 ||
        SSL_CTX_use_PrivateKey_file(server_context, words[4], SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_load_verify_locations(client_context, words[8], NULL) != 1)
        return 1;
    struct sockaddr_in address = address_of(words[1], words[2]);
    struct side listening = {.pair = NULL};
    int listener = listen_at(&address);
    int loop = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event wanted = {.events = EPOLLIN, .data.ptr = &listening};
    epoll_ctl(loop, EPOLL_CTL_ADD, listener, &wanted);
    for (;;) {
        struct epoll_event events[EVENTS_PER_WAIT];
        struct pair *dead = NULL;
        int ready = epoll_wait(loop, events, EVENTS_PER_WAIT, -1);
        for (int i = 0; i < ready; i++) {
            if (events[i].data.ptr == &listening)
                open_pair(loop, listener, server_context, client_context, words);
            else
                serve(&events[i], &dead);
        }
        bury(dead);
    }
}
