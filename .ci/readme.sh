# readme_command N: the line N of the README's set-up. Sourced in the repository's root.
readme_command() { sed -n '/^## Set-up/,/^## /p' README.md | sed -n '/^```sh/,/^```/{//!p}' | sed -n "$1p"; }
