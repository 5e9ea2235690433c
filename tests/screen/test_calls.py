"""The list of calls and one of them in detail, as they are drawn."""

import json

import pytest
from events import START_MS, Call, audit, lost


def working_session(terminal):
    """A conversation of three calls with a tool, a thought and an error, and one of another."""
    first, second, third = Call(1), Call(2), Call(3)
    command = json.dumps({"command": "ls -l\nwc -l *", "timeout": 5})
    system = "You are a coding agent.\nBe brief."
    schema = {"type": "object", "properties": {"command": {"type": "string"}}}
    question = "How many lines are in this folder?"

    def opening(call):
        return call.begin() + call.system(system) + call.tool("bash", "Runs a command.", schema)

    terminal.send(
        opening(first) + first.says(question) + first.responds() +
        first.answers("I should look first.", "thinking") +
        first.answers(command, "tool_call", id="toolu_01", name="bash") + first.ends("tool_use"))
    terminal.send(
        opening(second) + second.says(question) +
        second.block("request", "thinking", "I should look first.", "assistant") +
        second.block("request", "tool_call", command, "assistant", id="toolu_01", name="bash") +
        second.block("request", "tool_result", "total 1\n12 a.txt\n", id="toolu_01") +
        second.responds() + second.answers("There are 12 lines.") + second.ends())
    terminal.send(
        third.begin() + third.system("Name this conversation.") + third.says("x") +
        third.responds(529) + third.error("overloaded_error", "Overloaded") +
        third.line("end", first_byte_ms=80, duration_ms=90))
    other = Call(4, "session-two", "gpt-5-codex", "openai")
    terminal.send(other.whole("Hello", "Hello yourself."))
    terminal.wait_for("[Calls 4]", "Hello yourself.")


def test_draws_list_and_detail_exactly(any_size, shows):
    working_session(any_size)
    shows(any_size, "last-call")
    any_size.type("<")
    shows(any_size, "tool-call")
    any_size.type("]")
    shows(any_size, "tool-result")
    any_size.type("]")
    shows(any_size, "error")


def test_draws_what_everything_opened_shows(any_size, shows):
    working_session(any_size)
    any_size.type("<e")
    shows(any_size, "opened")
    any_size.type("c")
    shows(any_size, "folded")


def test_groups_conversations(any_size, shows):
    working_session(any_size)
    any_size.type("g<")
    shows(any_size, "grouped")
    any_size.type("-")
    any_size.wait(lambda seen: "▸ session-one" in seen.text(), "a folded conversation")
    any_size.type("}")
    any_size.wait_for("Hello yourself.")
    any_size.type("{")
    any_size.wait_without("Hello yourself.")
    any_size.type("g")
    any_size.wait_without("▸ session-one")


def test_compares_a_call_with_the_one_before(any_size, shows):
    working_session(any_size)
    any_size.type("<]d")
    any_size.wait_for("compared with #1", "DIFF")
    shows(any_size, "diff")
    any_size.type("d")
    any_size.wait_without("DIFF")


def test_shows_bodies_raw_and_in_hexadecimal(small):
    call = Call(1)
    small.send(call.begin() + call.line("body", side="request", text='{"a":\n1}') +
               call.line("body", side="response", base64="AAH/Gw==") + call.ends())
    small.wait_for("claude-son", "took")
    small.type("r")
    small.wait_for("RAW", "request body  8 B", '{"a":', "\\x00\\x01\\xff\\x1b")
    small.type("x")
    small.wait_for("HEX", "00000000 7b 22 61 22 3a 0a 31 7d", "00000000 00 01 ff 1b")
    small.type("xr")
    small.wait_without("RAW")


def test_says_when_bodies_were_not_captured(small):
    small.send(Call(1).whole())
    small.wait_for("Two files.")
    small.type("zr")
    small.wait_for("request body  2.3 kB, not captured: start with --raw")


def test_text_appears_while_it_arrives_and_nothing_flickers(any_size):
    call = Call(1)
    any_size.send(call.begin() + call.says("Count.") + call.responds() + call.opens())
    any_size.wait_for("arriving")
    before = len(any_size.raw)
    text = ""
    for number in range(1, 12):
        any_size.send(call.delta(f"number-{number}, "))
        text += f"number-{number}, "
        any_size.wait_for(f"number-{number},")
    drawn = any_size.raw[before:]
    assert b"\x1b[2J" not in drawn and b"\x1b[H\x1b[J" not in drawn
    call.blocks["response"] -= 1
    any_size.send(call.answers(text) + call.ends())
    any_size.wait_without("arriving")
    any_size.wait_for("number-11,", "end_turn")


def test_the_detail_follows_a_long_text_until_somebody_scrolls(small):
    call = Call(1)
    small.send(call.begin() + call.says("Count.") + call.responds() + call.opens())
    small.wait_for("arriving")
    small.send(call.delta("".join(f"line {number}\n" for number in range(1, 101))))
    small.wait_for("line 100")
    small.type("\x1b[5~\x1b[5~")
    small.wait_without("line 100")
    small.send(call.delta("line 101\n"))
    small.type("\x1b[6~\x1b[6~\x1b[6~")
    small.wait_for("line 101")
    small.send(call.delta("line 102\n"))
    small.wait_for("line 102")


def test_follows_new_calls_and_pauses(small):
    small.send(Call(1).whole(answer="answer one"))
    small.wait_for("answer one", "FOLLOW")
    small.send(Call(2).whole(answer="answer two"))
    small.wait_for("answer two")
    small.type("[")
    small.wait_for("answer one")
    small.wait_without("FOLLOW")
    small.send(Call(3).whole(answer="answer three"))
    small.wait_for("[Calls 3]", "answer one")
    small.type("F")
    small.wait_for("answer three", "FOLLOW")
    small.type("p")
    small.wait_for("PAUSED")
    small.send(Call(4).whole(answer="answer four"))
    small.wait_for("all 4 ", "[Calls 3]", "answer three")
    small.type("p")
    small.wait_for("answer four", "[Calls 4]")


def test_a_call_that_went_on_during_a_pause_is_whole_afterwards(small):
    call = Call(1)
    small.send(call.begin() + call.says("Go.") + call.responds() + call.opens() +
               call.delta("before, "))
    small.wait_for("before,")
    small.type("p")
    small.wait_for("PAUSED")
    small.send(call.delta("meanwhile, ") + Call(2).whole())
    small.wait_for("all 2 ")
    assert "meanwhile" not in small.text()
    small.type("p[")
    small.wait_for("before, meanwhile,")
    small.send(call.delta("after"))
    small.wait_for("before, meanwhile, after")


def test_the_footer_sums_session_and_all(large):
    large.send(Call(1).whole() + Call(2).whole() + Call(3, "session-two").whole())
    large.wait_for("session 1 call in 1000 (80% cached) out 50",
                   "all 3 calls in 3000 (80% cached) out 150")
    large.type("<")
    large.wait_for("session 2 calls in 2000 (80% cached) out 100")


def test_jumps_to_the_next_error(small):
    small.type("!")
    small.wait_for("there is no call with an error")
    bad = Call(3)
    small.send(Call(1).whole() + Call(2).whole() + bad.begin() + bad.responds(429) +
               bad.error("rate_limit_error", "Slow down.") + bad.ends() + Call(4).whole())
    small.wait_for("[Calls 4]")
    small.type("!")
    small.wait_for("error rate_limit_error", "Slow down.")


def test_errors_under_status_200_are_errors(large):
    call = Call(1)
    large.send(call.begin() + call.responds(200) + call.error("overloaded_error", "Busy.") +
               call.ends())
    large.wait_for("error overloaded_error", "Busy.")
    large.wait(lambda seen: seen.row(2).startswith("!12:04:06") and " err " in seen.row(2) and
               seen.attributes(1, 2).reverse, "a selected row of an error")


def test_the_second_tab_has_what_was_denied_and_other_traffic(any_size):
    any_size.type("\t")
    any_size.wait_for("nothing was denied so far")
    any_size.send(
        audit(kind="dns", decision="deny", name="evil.example", reason="not on the list") +
        audit(kind="http", decision="allow", name="pypi.org", port=443, method="GET",
              path="/simple/", status=200) + lost(17))
    any_size.wait_for("[Other 3, 1 denied]", "17 events were lost")
    any_size.type("<")
    any_size.wait_for('"name": "evil.example"', "to allow it", "rootcell allow evil.example")
    any_size.type("]")
    any_size.wait_for('"path": "/simple/"')
    any_size.wait_without("rootcell allow")
    any_size.type("!")
    any_size.wait_for("rootcell allow evil.example")
    any_size.type("\t")
    any_size.wait_for("waiting for the first call")


def test_times_are_utc_or_local(start):
    terminal = start(environment={"TZ": "XYZ-3"})
    terminal.send(Call(1).whole())
    terminal.wait_for(" 12:04:06 ")
    terminal.type("t")
    terminal.wait_for(" 15:04:06 ", "LOCAL")
    terminal.type("t")
    terminal.wait_for(" 12:04:06 ")


def test_filters_calls(small):
    bad = Call(2)
    small.send(Call(1).whole(answer="answer one") + bad.begin() + bad.responds(500) +
               bad.error("api_error", "Broken.") + bad.ends() +
               Call(3, model="gpt-5", provider="openai").whole())
    small.wait_for("[Calls 3]")
    small.type("ferror\r")
    small.wait_for("[Calls 1]", "Broken.", "filter: error", "FILTER")
    small.type("f")
    small.wait_for("filter: error")
    small.type("\x15model=(\r")
    small.wait(lambda seen: seen.row(23).startswith("filter: model=(") and
               len(seen.row(23)) > 40, "what is wrong with it")
    small.type("\x15model=claude*\r")
    small.wait_for("[Calls 2]")
    small.type("\x1b")
    small.wait_for("[Calls 3]")
    small.type("fmodel=nothing\r")
    small.wait_for("[Calls 0]", "no call matches the filter")


def test_help_names_every_key(any_size, shows):
    any_size.type("?")
    shows(any_size, "help")
    any_size.type(" ")
    any_size.wait_for("waiting for the first call")
