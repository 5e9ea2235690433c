#include "firewall/dns_service.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <uv.h>

#include "base/check.h"
#include "base/memory.h"
#include "base/reader.h"
#include "firewall/dns_answer.h"
#include "firewall/proxy.h"
#include "system/linux_socket.h"
#include "system/stream.h"

enum {
    BATCH = 16,         /* datagrams received and answered by one system call each */
    BATCHES_A_TURN = 8, /* then other events get their turn */
    QUERY_BYTES = 1536, /* longer datagrams are cut, and then malformed */
    ANSWER_BYTES = DNS_UDP_BYTES_MAX + 64,
    CONTROL_BYTES = 64,
    TCP_READS_A_TURN = 4, /* then other events get their turn */
};

/* One datagram's place in a batch. */
struct datagram {
    struct sockaddr_in peer;
    struct iovec query_part, answer_part;
    uint8_t query[QUERY_BYTES];
    struct buffer answer;
    union {
        struct cmsghdr header;
        char bytes[CONTROL_BYTES];
    } control;
};

struct dns_service {
    struct proxy *proxy;
    uv_poll_t poll;
    int descriptor; /* owned; -1 before dns_service_start */
    unsigned connection_count;
    struct dns_query query; /* scratch */
    struct mmsghdr received[BATCH], answers[BATCH];
    struct datagram datagrams[BATCH];
};

struct dns_service *dns_service_new(struct proxy *proxy)
{
    struct dns_service *service = memory_new(sizeof(*service));
    service->proxy = proxy;
    service->descriptor = -1;
    for (int i = 0; i < BATCH; i++)
        buffer_init(&service->datagrams[i].answer, ANSWER_BYTES);
    return service;
}

static void record_answer(struct proxy *proxy, const struct dns_answer *answer)
{
    if (!answer->is_recorded)
        return;
    struct audit_record record = {
        .kind = AUDIT_DNS,
        .decision = answer->decision,
        .name = answer->name,
        .rule = answer->rule,
        .reason = answer->reason,
        .detail = bytes_from_text(answer->type),
    };
    record_queue_send(proxy, &record);
}

static void answer_message(struct dns_service *service, struct bytes message,
                           enum dns_transport transport, struct buffer *out)
{
    struct dns_answer answer;
    struct proxy *proxy = service->proxy;
    dns_answer_make(proxy->policy, proxy->pool, message, transport, &service->query, out, &answer);
    record_answer(proxy, &answer);
}

/* --- UDP ------------------------------------------------------------------------------------ */

static void prepare_receiving(struct dns_service *service)
{
    for (int i = 0; i < BATCH; i++) {
        struct datagram *datagram = &service->datagrams[i];
        datagram->query_part = (struct iovec){datagram->query, sizeof(datagram->query)};
        service->received[i].msg_hdr =
            (struct msghdr){.msg_name = &datagram->peer,
                            .msg_namelen = sizeof(datagram->peer),
                            .msg_iov = &datagram->query_part,
                            .msg_iovlen = 1,
                            .msg_control = datagram->control.bytes,
                            .msg_controllen = sizeof(datagram->control.bytes)};
    }
}

/* The address that the agent asked: the answer must come from it. */
static bool asked_address(struct msghdr *header, struct in_addr *address)
{
    for (struct cmsghdr *part = CMSG_FIRSTHDR(header); part; part = CMSG_NXTHDR(header, part)) {
        if (part->cmsg_level != IPPROTO_IP || part->cmsg_type != IP_PKTINFO)
            continue;
        struct in_pktinfo info;
        memcpy(&info, CMSG_DATA(part), sizeof(info));
        *address = info.ipi_addr;
        return true;
    }
    return false;
}

static void prepare_answer(struct msghdr *header, struct datagram *datagram, struct in_addr asked)
{
    struct bytes answer = buffer_bytes(&datagram->answer);
    datagram->answer_part = (struct iovec){(void *)answer.data, answer.length};
    *header = (struct msghdr){.msg_name = &datagram->peer,
                              .msg_namelen = sizeof(datagram->peer),
                              .msg_iov = &datagram->answer_part,
                              .msg_iovlen = 1,
                              .msg_control = datagram->control.bytes,
                              .msg_controllen = CMSG_SPACE(sizeof(struct in_pktinfo))};
    memset(datagram->control.bytes, 0, sizeof(datagram->control.bytes));
    struct cmsghdr *part = CMSG_FIRSTHDR(header);
    part->cmsg_level = IPPROTO_IP;
    part->cmsg_type = IP_PKTINFO;
    part->cmsg_len = CMSG_LEN(sizeof(struct in_pktinfo));
    struct in_pktinfo info = {.ipi_spec_dst = asked};
    memcpy(CMSG_DATA(part), &info, sizeof(info));
}

/* Answers that the kernel does not take are lost, as datagrams are: the client asks again. */
static void send_answers(struct dns_service *service, unsigned count)
{
    unsigned done = 0;
    while (done < count) {
        int sent = sendmmsg(service->descriptor, service->answers + done, count - done,
                            MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0 && errno == EAGAIN)
            return;
        /* One answer that cannot be sent does not stop the others. */
        done += sent > 0 ? (unsigned)sent : 1;
    }
}

static int answer_batch(struct dns_service *service)
{
    prepare_receiving(service);
    int count = recvmmsg(service->descriptor, service->received, BATCH, MSG_DONTWAIT, NULL);
    unsigned answer_count = 0;
    for (int i = 0; i < count; i++) {
        struct datagram *datagram = &service->datagrams[i];
        struct in_addr asked;
        if (!asked_address(&service->received[i].msg_hdr, &asked))
            continue;
        buffer_clear(&datagram->answer);
        struct bytes query = {datagram->query, service->received[i].msg_len};
        answer_message(service, query, DNS_OVER_UDP, &datagram->answer);
        if (buffer_length(&datagram->answer) == 0)
            continue;
        prepare_answer(&service->answers[answer_count++].msg_hdr, datagram, asked);
    }
    send_answers(service, answer_count);
    return count;
}

static void on_datagrams(uv_poll_t *poll, int status, int events)
{
    struct dns_service *service = poll->data;
    for (int i = 0; i < BATCHES_A_TURN && answer_batch(service) == BATCH; i++)
        continue;
}

void dns_service_start(struct dns_service *service, int descriptor)
{
    CHECK(service->descriptor < 0);
    service->descriptor = descriptor;
    service->poll.data = service;
    CHECK(uv_poll_init(service->proxy->loop, &service->poll, descriptor) == 0);
    uv_poll_start(&service->poll, UV_READABLE, on_datagrams);
}

/* --- TCP ------------------------------------------------------------------------------------ */

struct connection {
    struct proxy *proxy;
    struct stream *stream;
    uv_timer_t idle;
    struct buffer input; /* at most one query that is not complete, and what follows it */
};

static void on_idle_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void end_connection(struct connection *connection, enum stream_ending ending)
{
    struct proxy *proxy = connection->proxy;
    stream_close(connection->stream, ending);
    buffer_done(&connection->input);
    uv_close((uv_handle_t *)&connection->idle, on_idle_closed);
    proxy->dns->connection_count--;
}

static void on_idle(uv_timer_t *timer)
{
    end_connection(timer->data, STREAM_ENDING_CLEAN);
}

static void answer_over_tcp(struct connection *connection, struct bytes query)
{
    struct buffer answer;
    buffer_init(&answer, 2 + DNS_UDP_BYTES_MAX + 1024);
    CHECK(buffer_append_u16(&answer, 0));
    answer_message(connection->proxy->dns, query, DNS_OVER_TCP, &answer);
    size_t length = buffer_length(&answer) - 2;
    answer.data[answer.start] = (uint8_t)(length >> 8);
    answer.data[answer.start + 1] = (uint8_t)length;
    if (length > 0)
        stream_queue(connection->stream, buffer_bytes(&answer));
    buffer_done(&answer);
}

/* Answer the complete queries that came (RFC 7766 section 6.2.1.1). False: an illegal length. */
static bool answer_input(struct connection *connection)
{
    while (stream_unsent(connection->stream) < DNS_TCP_UNSENT_BYTES_MAX) {
        struct reader reader = reader_over(buffer_bytes(&connection->input));
        struct bytes query = reader_vector16(&reader);
        if (reader_is_failed(&reader)) {
            struct reader prefix = reader_over(buffer_bytes(&connection->input));
            return reader_u16(&prefix) <= DNS_TCP_QUERY_BYTES_MAX;
        }
        answer_over_tcp(connection, query);
        buffer_consume(&connection->input, reader.position);
        uv_timer_again(&connection->idle);
    }
    return true;
}

/* Read and answer what is there, as far as a turn goes and the client takes its answers. */
static void serve(struct connection *connection)
{
    for (int reads = 0; reads < TCP_READS_A_TURN; reads++) {
        if (!answer_input(connection)) {
            end_connection(connection, STREAM_ENDING_RESET);
            return;
        }
        if (stream_unsent(connection->stream) >= DNS_TCP_UNSENT_BYTES_MAX)
            stream_flush(connection->stream);
        if (stream_unsent(connection->stream) >= DNS_TCP_UNSENT_BYTES_MAX) {
            stream_pause_reading(connection->stream);
            return;
        }
        size_t room = 0, length = 0;
        uint8_t *into = buffer_reserve(&connection->input, DNS_TCP_QUERY_BYTES_MAX, &room);
        if (room == 0)
            continue;
        switch (stream_read(connection->stream, into, room, &length)) {
        case STREAM_DATA:
            buffer_commit(&connection->input, length);
            break;
        case STREAM_WAIT:
            stream_flush(connection->stream);
            return;
        case STREAM_END:
            end_connection(connection, STREAM_ENDING_CLEAN);
            return;
        case STREAM_LOST:
            end_connection(connection, STREAM_ENDING_RESET);
            return;
        }
    }
    stream_flush(connection->stream);
    stream_wake(connection->stream);
}

static void on_stream(void *owner, enum stream_event event)
{
    struct connection *connection = owner;
    switch (event) {
    case STREAM_OPENED:
    case STREAM_READABLE:
        serve(connection);
        break;
    case STREAM_DRAINED:
        stream_resume_reading(connection->stream);
        break;
    case STREAM_FAILED:
        end_connection(connection, STREAM_ENDING_RESET);
        break;
    }
}

void dns_service_accept(struct proxy *proxy, int descriptor)
{
    if (proxy->dns->connection_count >= DNS_TCP_CONNECTIONS_MAX) {
        linux_socket_reset(descriptor);
        proxy_release_connection(proxy);
        return;
    }
    struct connection *connection = memory_new(sizeof(*connection));
    connection->proxy = proxy;
    buffer_init(&connection->input, 2 + DNS_TCP_QUERY_BYTES_MAX);
    CHECK(uv_timer_init(proxy->loop, &connection->idle) == 0);
    connection->idle.data = connection;
    uv_timer_start(&connection->idle, on_idle, DNS_TCP_IDLE_MS, DNS_TCP_IDLE_MS);
    proxy->dns->connection_count++;
    connection->stream = proxy_accept_stream(proxy, descriptor, on_stream, connection);
}
