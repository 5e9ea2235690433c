#include "test.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "system/descriptor_channel.h"

static void open_channel(int ends[2])
{
    struct error error;
    assert_true(descriptor_channel_open(ends, &error));
}

static void close_channel(int ends[2])
{
    close(ends[0]);
    close(ends[1]);
}

static bool is_open(int descriptor)
{
    return fcntl(descriptor, F_GETFD) >= 0;
}

static int open_count(void)
{
    int count = 0;
    for (int descriptor = 0; descriptor < 256; descriptor++)
        count += is_open(descriptor);
    return count;
}

static void ends_on_a_message_longer_than_the_room_and_leaks_no_descriptor(void **state)
{
    int ends[2], received = -1, null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    uint8_t room[4];
    size_t length;
    struct error error;
    open_channel(ends);
    assert_true(descriptor_channel_send(ends[0], BYTES_LITERAL("12345"), null, INT64_MAX, &error));
    int count = open_count();
    assert_int_equal(descriptor_channel_receive(ends[1], room, sizeof(room), &length, &received),
                     DESCRIPTOR_CHANNEL_END);
    assert_int_equal(open_count(), count);
    close(null);
    close_channel(ends);
}

static void keeps_the_first_of_several_descriptors_and_closes_the_others(void **state)
{
    int ends[2], received = -1, sent[3];
    uint8_t room[4];
    size_t length;
    open_channel(ends);
    for (int i = 0; i < 3; i++)
        sent[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    char space[CMSG_SPACE(sizeof(sent))] = {0};
    struct iovec part = {"x", 1};
    struct msghdr header = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof(space)};
    struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(sent));
    memcpy(CMSG_DATA(rights), sent, sizeof(sent));
    assert_int_equal(sendmsg(ends[0], &header, 0), 1);
    int count = open_count();
    assert_int_equal(descriptor_channel_receive(ends[1], room, sizeof(room), &length, &received),
                     DESCRIPTOR_CHANNEL_MESSAGE);
    assert_true(is_open(received));
    assert_int_equal(fcntl(received, F_GETFD), FD_CLOEXEC);
    assert_int_equal(open_count(), count + 1);
    close(received);
    for (int i = 0; i < 3; i++)
        close(sent[i]);
    close_channel(ends);
}

static void tells_silence_from_the_end_of_the_other_process(void **state)
{
    int ends[2], received = -1;
    uint8_t room[4];
    size_t length;
    open_channel(ends);
    assert_int_equal(descriptor_channel_receive(ends[1], room, sizeof(room), &length, &received),
                     DESCRIPTOR_CHANNEL_WAIT);
    close(ends[0]);
    assert_int_equal(descriptor_channel_receive(ends[1], room, sizeof(room), &length, &received),
                     DESCRIPTOR_CHANNEL_END);
    close(ends[1]);
}

static void seals_memory_against_later_change(void **state)
{
    struct error error;
    char text[8] = "";
    int memory = descriptor_channel_memory("test", BYTES_LITERAL("policy"), &error);
    assert_true(memory >= 0);
    assert_int_equal(pread(memory, text, sizeof(text), 0), 6);
    assert_string_equal(text, "policy");
    assert_int_equal(pwrite(memory, "x", 1, 0), -1);
    assert_int_equal(ftruncate(memory, 0), -1);
    close(memory);
}

static void carries_messages_in_order_with_their_descriptors(void **state)
{
    int ends[2], received = -1, null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    uint8_t room[8];
    size_t length;
    struct error error;
    open_channel(ends);
    assert_true(descriptor_channel_send(ends[0], BYTES_LITERAL("one"), -1, INT64_MAX, &error));
    assert_true(descriptor_channel_send(ends[0], BYTES_LITERAL("three"), null, INT64_MAX, &error));
    assert_int_equal(descriptor_channel_receive(ends[1], room, sizeof(room), &length, &received),
                     DESCRIPTOR_CHANNEL_MESSAGE);
    assert_bytes(((struct bytes){room, length}), "one");
    assert_int_equal(received, -1);
    assert_int_equal(descriptor_channel_receive(ends[1], room, sizeof(room), &length, &received),
                     DESCRIPTOR_CHANNEL_MESSAGE);
    assert_bytes(((struct bytes){room, length}), "three");
    assert_true(is_open(received));
    close(received);
    close(null);
    close_channel(ends);
}

RUN_TESTS(cmocka_unit_test(ends_on_a_message_longer_than_the_room_and_leaks_no_descriptor),
          cmocka_unit_test(keeps_the_first_of_several_descriptors_and_closes_the_others),
          cmocka_unit_test(tells_silence_from_the_end_of_the_other_process),
          cmocka_unit_test(seals_memory_against_later_change),
          cmocka_unit_test(carries_messages_in_order_with_their_descriptors))
