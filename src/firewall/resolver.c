#include "firewall/resolver.h"

#include "base/bytes.h"
#include "base/check.h"
#include "base/memory.h"

#include <ares.h>
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>
#include <uv.h>

enum {
    RESOLVER_BUCKETS = 256,
    RESOLVER_TICK_MS = 500,
};

struct resolver_query {
    TAILQ_ENTRY(resolver_query) link;
    struct resolver_entry *entry; /* borrowed */
    resolver_done_fn *on_done;
    void *owner;   /* borrowed */
    bool *is_told; /* borrowed; set when the answer came from inside the lookup, else NULL */
};

/* A name that is being asked for or whose answer is kept. */
struct resolver_entry {
    LIST_ENTRY(resolver_entry) bucket_link;
    TAILQ_ENTRY(resolver_entry) age_link;
    TAILQ_HEAD(, resolver_query) waiting;
    struct resolver *resolver; /* borrowed */
    bool is_asking;
    enum resolver_status status;
    uint64_t expires_ms;
    struct resolver_addresses *addresses; /* owned; NULL unless found */
    char name[];
};

/* A socket of c-ares, watched by the loop. */
struct resolver_socket {
    uv_poll_t poll;
    LIST_ENTRY(resolver_socket) link;
    struct resolver *resolver; /* borrowed */
    ares_socket_t descriptor;  /* borrowed from c-ares */
};

LIST_HEAD(resolver_bucket, resolver_entry);

struct resolver {
    uv_loop_t *loop; /* borrowed */
    ares_channel channel;
    uv_timer_t timer;
    int family;
    size_t entry_count;
    LIST_HEAD(, resolver_socket) sockets;
    struct resolver_bucket buckets[RESOLVER_BUCKETS];
    TAILQ_HEAD(, resolver_entry) ages; /* oldest first */
};

static void on_tick(uv_timer_t *timer)
{
    struct resolver *resolver = timer->data;
    ares_process_fd(resolver->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

static void on_socket_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void on_socket_ready(uv_poll_t *poll, int status, int events)
{
    struct resolver_socket *entry = poll->data;
    bool is_readable = status < 0 || (events & UV_READABLE);
    bool is_writable = status < 0 || (events & UV_WRITABLE);
    ares_process_fd(entry->resolver->channel, is_readable ? entry->descriptor : ARES_SOCKET_BAD,
                    is_writable ? entry->descriptor : ARES_SOCKET_BAD);
}

/* c-ares tells which of its sockets it wants to read or write. */
static void on_socket_state(void *data, ares_socket_t descriptor, int readable, int writable)
{
    struct resolver *resolver = data;
    struct resolver_socket *entry;
    LIST_FOREACH(entry, &resolver->sockets, link)
    if (entry->descriptor == descriptor)
        break;
    if (!readable && !writable) {
        if (entry) {
            LIST_REMOVE(entry, link);
            uv_close((uv_handle_t *)&entry->poll, on_socket_closed);
        }
        if (LIST_EMPTY(&resolver->sockets))
            uv_timer_stop(&resolver->timer);
        return;
    }
    if (entry == NULL) {
        entry = memory_new(sizeof(*entry));
        entry->resolver = resolver;
        entry->descriptor = descriptor;
        CHECK(uv_poll_init(resolver->loop, &entry->poll, descriptor) == 0);
        entry->poll.data = entry;
        LIST_INSERT_HEAD(&resolver->sockets, entry, link);
    }
    uv_poll_start(&entry->poll, (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0),
                  on_socket_ready);
    if (!uv_is_active((uv_handle_t *)&resolver->timer))
        uv_timer_start(&resolver->timer, on_tick, RESOLVER_TICK_MS, RESOLVER_TICK_MS);
}

static bool set_server(struct resolver *resolver, const struct sockaddr *server,
                       struct error *error)
{
    struct ares_addr_port_node node = {.family = server->sa_family};
    if (server->sa_family == AF_INET) {
        struct sockaddr_in ipv4;
        memcpy(&ipv4, server, sizeof(ipv4));
        node.addr.addr4 = ipv4.sin_addr;
        node.udp_port = node.tcp_port = ntohs(ipv4.sin_port);
    } else if (server->sa_family == AF_INET6) {
        struct sockaddr_in6 ipv6;
        memcpy(&ipv6, server, sizeof(ipv6));
        memcpy(&node.addr.addr6, &ipv6.sin6_addr, sizeof(ipv6.sin6_addr));
        node.udp_port = node.tcp_port = ntohs(ipv6.sin6_port);
    } else {
        return error_set(error, "resolver: no IPv4 or IPv6 address");
    }
    int status = ares_set_servers_ports(resolver->channel, &node);
    if (status != ARES_SUCCESS)
        return error_set(error, "resolver: %s", ares_strerror(status));
    return true;
}

bool resolver_new(struct uv_loop_s *loop, const struct sockaddr *server,
                  struct resolver **resolver_out, struct error *error)
{
    /* Ids that others can foretell would let them answer in the resolver's place (RFC 5452). */
    if (access("/dev/urandom", R_OK) != 0)
        return error_set_errno(error, errno, "resolver: /dev/urandom");
    struct resolver *resolver = memory_new(sizeof(*resolver));
    resolver->loop = loop;
    resolver->family = AF_INET;
    TAILQ_INIT(&resolver->ages);
    /* Everything is set, so that c-ares reads no resolv.conf, nsswitch.conf or environment. */
    struct in_addr no_server = {.s_addr = htonl(INADDR_LOOPBACK)};
    char lookups[] = "b";
    struct ares_options options = {
        .flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_STAYOPEN,
        .timeout = RESOLVER_TIMEOUT_MS,
        .tries = RESOLVER_TRIES,
        .ndots = 1,
        .udp_port = 53,
        .tcp_port = 53,
        .servers = &no_server,
        .nservers = 1,
        .domains = NULL,
        .ndomains = 0,
        .lookups = lookups,
        .sock_state_cb = on_socket_state,
        .sock_state_cb_data = resolver,
        .nsort = 0,
    };
    int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_NDOTS |
               ARES_OPT_UDP_PORT | ARES_OPT_TCP_PORT | ARES_OPT_SERVERS | ARES_OPT_DOMAINS |
               ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB | ARES_OPT_SORTLIST | ARES_OPT_NOROTATE;
    int status = ares_library_init(ARES_LIB_INIT_ALL);
    if (status == ARES_SUCCESS)
        status = ares_init_options(&resolver->channel, &options, mask);
    if (status != ARES_SUCCESS) {
        free(resolver);
        return error_set(error, "resolver: %s", ares_strerror(status));
    }
    if (!set_server(resolver, server, error)) {
        ares_destroy(resolver->channel);
        free(resolver);
        return false;
    }
    CHECK(uv_timer_init(loop, &resolver->timer) == 0);
    resolver->timer.data = resolver;
    *resolver_out = resolver;
    return true;
}

void resolver_want_ipv6(struct resolver *resolver, bool is_wanted)
{
    resolver->family = is_wanted ? AF_UNSPEC : AF_INET;
}

static void forget(struct resolver_entry *entry)
{
    LIST_REMOVE(entry, bucket_link);
    TAILQ_REMOVE(&entry->resolver->ages, entry, age_link);
    entry->resolver->entry_count--;
    free(entry->addresses);
    free(entry);
}

static void on_timer_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void resolver_free(struct resolver *resolver)
{
    ares_destroy(resolver->channel);
    while (!TAILQ_EMPTY(&resolver->ages))
        forget(TAILQ_FIRST(&resolver->ages));
    uv_close((uv_handle_t *)&resolver->timer, on_timer_closed);
}

static struct resolver_bucket *bucket_of(struct resolver *resolver, const char *name)
{
    return &resolver->buckets[bytes_hash(bytes_from_text(name)) % RESOLVER_BUCKETS];
}

static struct resolver_entry *find(struct resolver *resolver, const char *name)
{
    struct resolver_entry *entry;
    LIST_FOREACH(entry, bucket_of(resolver, name), bucket_link)
    if (!strcmp(entry->name, name))
        return entry;
    return NULL;
}

/* Make room by dropping the oldest answer; names being asked for stay. */
static void make_room(struct resolver *resolver)
{
    if (resolver->entry_count < RESOLVER_CACHE_MAX)
        return;
    struct resolver_entry *entry;
    TAILQ_FOREACH(entry, &resolver->ages, age_link)
    if (!entry->is_asking) {
        forget(entry);
        return;
    }
}

static struct resolver_entry *add(struct resolver *resolver, const char *name)
{
    make_room(resolver);
    size_t size = strlen(name) + 1;
    struct resolver_entry *entry = memory_new(sizeof(*entry) + size);
    memcpy(entry->name, name, size);
    entry->resolver = resolver;
    TAILQ_INIT(&entry->waiting);
    LIST_INSERT_HEAD(bucket_of(resolver, name), entry, bucket_link);
    TAILQ_INSERT_TAIL(&resolver->ages, entry, age_link);
    resolver->entry_count++;
    return entry;
}

/* Copy the answer; returns the smallest TTL in seconds. */
static unsigned take_addresses(struct resolver_entry *entry, const struct ares_addrinfo *answer)
{
    unsigned ttl_s = RESOLVER_TTL_MAX_S;
    struct resolver_addresses *addresses = memory_new(sizeof(*addresses));
    for (const struct ares_addrinfo_node *node = answer->nodes; node; node = node->ai_next) {
        if (addresses->count == RESOLVER_ADDRESSES_MAX)
            break;
        if (node->ai_addrlen > sizeof(addresses->list[0]))
            continue;
        memcpy(&addresses->list[addresses->count++], node->ai_addr, node->ai_addrlen);
        if (node->ai_ttl >= 0 && (unsigned)node->ai_ttl < ttl_s)
            ttl_s = (unsigned)node->ai_ttl;
    }
    free(entry->addresses);
    entry->addresses = addresses;
    return ttl_s < RESOLVER_TTL_MIN_S ? RESOLVER_TTL_MIN_S : ttl_s;
}

static enum resolver_status status_of(int status)
{
    if (status == ARES_ENOTFOUND || status == ARES_ENODATA)
        return RESOLVER_UNKNOWN;
    return RESOLVER_FAILED;
}

static void on_answer(void *data, int status, int timeouts, struct ares_addrinfo *answer);

static void ask(struct resolver_entry *entry)
{
    struct ares_addrinfo_hints hints = {.ai_family = entry->resolver->family,
                                        .ai_flags = ARES_AI_NOSORT};
    entry->is_asking = true;
    ares_getaddrinfo(entry->resolver->channel, entry->name, NULL, &hints, on_answer, entry);
}

static void on_answer(void *data, int status, int timeouts, struct ares_addrinfo *answer)
{
    struct resolver_entry *entry = data;
    struct resolver *resolver = entry->resolver;
    (void)timeouts;
    entry->is_asking = false;
    unsigned ttl_s = RESOLVER_NEGATIVE_TTL_S;
    entry->status = status_of(status);
    if (status == ARES_SUCCESS && answer) {
        ttl_s = take_addresses(entry, answer);
        entry->status = entry->addresses->count ? RESOLVER_FOUND : RESOLVER_UNKNOWN;
    }
    if (answer)
        ares_freeaddrinfo(answer);
    entry->expires_ms = uv_now(resolver->loop) + (uint64_t)ttl_s * 1000;
    if (entry->status == RESOLVER_FAILED)
        entry->expires_ms = 0;
    /* Those called may ask again; the entry is held as if it were being asked until all are told.
     */
    entry->is_asking = true;
    size_t count = 0;
    struct resolver_query *query;
    TAILQ_FOREACH(query, &entry->waiting, link)
    count++;
    while (count-- > 0 && (query = TAILQ_FIRST(&entry->waiting)) != NULL) {
        TAILQ_REMOVE(&entry->waiting, query, link);
        struct resolver_query done = *query;
        free(query);
        if (done.is_told)
            *done.is_told = true;
        done.on_done(done.owner, entry->status,
                     entry->status == RESOLVER_FOUND ? entry->addresses : NULL);
    }
    entry->is_asking = false;
    if (!TAILQ_EMPTY(&entry->waiting) && status != ARES_EDESTRUCTION)
        ask(entry);
}

struct resolver_query *resolver_lookup(struct resolver *resolver, const char *name,
                                       resolver_done_fn *on_done, void *owner)
{
    struct resolver_entry *entry = find(resolver, name);
    if (entry == NULL)
        entry = add(resolver, name);
    if (!entry->is_asking && uv_now(resolver->loop) < entry->expires_ms) {
        on_done(owner, entry->status, entry->status == RESOLVER_FOUND ? entry->addresses : NULL);
        return NULL;
    }
    struct resolver_query *query = memory_new(sizeof(*query));
    query->entry = entry;
    query->on_done = on_done;
    query->owner = owner;
    TAILQ_INSERT_TAIL(&entry->waiting, query, link);
    if (entry->is_asking)
        return query;
    /* c-ares may answer before it returns; the query is then gone. */
    bool is_told = false;
    query->is_told = &is_told;
    ask(entry);
    if (is_told)
        return NULL;
    query->is_told = NULL;
    return query;
}

void resolver_cancel(struct resolver_query *query)
{
    TAILQ_REMOVE(&query->entry->waiting, query, link);
    free(query);
}
