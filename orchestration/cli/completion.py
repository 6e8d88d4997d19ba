"""`c360 completion`: a script that lets a shell complete commands and options."""

import argparse
from collections.abc import Mapping
from importlib import import_module

from orchestration.cli import output
from orchestration.config.settings import Settings

BASH = """\
# c360: completion. `eval "$(c360 completion bash)"` in ~/.bashrc, or `zsh` in ~/.zshrc.
_c360() {{
    local word="${{COMP_WORDS[COMP_CWORD]}}" command="" part
    for part in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
        [[ $part == -* ]] || {{ command=$part; break; }}
    done
    case "$command" in
        "") COMPREPLY=($(compgen -W "{commands} --help" -- "$word")) ;;
{cases}
    esac
    [[ ${{#COMPREPLY[@]}} -gt 0 ]] || COMPREPLY=($(compgen -f -- "$word"))
}}
complete -F _c360 c360
"""
CASE = '        {name}) COMPREPLY=($(compgen -W "{options}" -- "$word")) ;;'
ZSH = "autoload -U +X compinit && compinit\nautoload -U +X bashcompinit && bashcompinit\n"
FISH = "complete -c c360 -n '__fish_seen_subcommand_from {name}' -l {option}"
FISH_COMMAND = "complete -c c360 -n __fish_use_subcommand -f -a {name} -d '{help}'"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("shell", choices=("bash", "zsh", "fish"), help="the shell that is to complete")


def execute(settings: Settings, given: argparse.Namespace) -> int:
    """Prints the script; the shell reads it where it starts."""
    output.say(script(given.shell).rstrip("\n"))
    return 0


def script(shell: str) -> str:
    """What the shell has to read."""
    from orchestration.cli.main import COMMANDS

    options = {name: _options(name, module) for name, (module, _) in COMMANDS.items()}
    if shell == "fish":
        return "\n".join(_fish(options, {name: text for name, (_, text) in COMMANDS.items()}))
    cases = "\n".join(CASE.format(name=name, options=" ".join(found)) for name, found in options.items())
    return (ZSH if shell == "zsh" else "") + BASH.format(commands=" ".join(options), cases=cases)


def _fish(options: Mapping[str, list[str]], helps: Mapping[str, str]) -> list[str]:
    commands = [FISH_COMMAND.format(name=name, help=helps[name].replace("'", "\\'")) for name in options]
    return commands + [
        FISH.format(name=name, option=option.removeprefix("--")) for name, found in options.items() for option in found
    ]


def _options(name: str, module: str) -> list[str]:
    """The long options of a command, and the words that an argument may be."""
    parser = argparse.ArgumentParser(prog=name)
    import_module(module).arguments(parser)
    return [
        word
        for action in parser._actions
        for word in (*action.option_strings, *(() if action.option_strings else action.choices or ()))
        if len(word) > 2
    ]
