"""What the stand-in provider answers: a task with one command, or what a test lists."""

from internet.provider.answer import Answer, Text, Thinking, Tool, Usage

NOTHING = Usage(input=0, output=0)
SHELLS = ("bash", "Bash", "exec_command", "functions.exec")


def shell_tool(name, command, number):
    """A call of a harness' own shell."""
    identifier = f"call_{number:012d}"
    if name == "functions.exec":  # of Codex, whose argument is a program
        program = (f"const r = await tools.exec_command({{cmd:{Answer().json(command)}}}); "
                   "text(JSON.stringify(r));")
        return Tool("exec", program, identifier, "functions")
    if name == "Bash":
        arguments = {"command": command, "description": "Runs what was asked for"}
    elif name == "exec_command":
        arguments = {"cmd": command}
    else:
        arguments = {"command": command}
    return Tool(name, arguments, identifier)


class Task:
    """Asks for a command with the client's own shell, then repeats what it told.

    `change(answer, call)` may alter each answer: its encoding, its sizes, its failures."""

    def __init__(self, command="echo hello", change=None):
        self.command, self.change = command, change

    def __call__(self, call):
        answer = self.plain(call)
        if self.change:
            self.change(answer, call)
        return answer

    def plain(self, call):
        if call.is_prewarm:
            return Answer(usage=NOTHING)
        results = call.results()
        if results:
            return Answer([Text(f"The command printed: {results[-1][1].strip()}")],
                          usage=Usage(input=5, cache_read=1500, cache_write=60, output=17))
        shells = [name for name in SHELLS if name in call.tools()]
        if not shells:
            return Answer([Text("Hello from the stand-in.")], usage=Usage(input=3, output=6))
        return Answer([Thinking("A command was asked for, so it has to run."),
                       Text("I will run it."),
                       shell_tool(shells[0], self.command, call.number)],
                      usage=Usage(input=4, cache_write=1500, output=42, reasoning=10))


class Script:
    """One answer after the other, whatever is asked; the last of them from then on."""

    def __init__(self, *answers):
        self.answers, self.place = answers, 0

    def __call__(self, call):
        if call.is_prewarm or call.is_probe:
            return Answer(usage=NOTHING)
        answer = self.answers[min(self.place, len(self.answers) - 1)]
        self.place += 1
        for number, tool in enumerate(answer.tools()):
            tool.identifier = tool.identifier or f"call_{call.number:06d}_{number:05d}"
        return answer
