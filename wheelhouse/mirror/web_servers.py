"""Configurations by which nginx, Caddy and Apache serve a static index: JSON and HTML from one address (PEP 691) (pure).

The Accept header is matched by regular expressions, because no server of these compares weights (`q`) itself. They are in
the syntax that PCRE and RE2 share. Weights are compared by their first decimal; where both forms weigh the same, a client
that names JSON gets JSON. `*/*` is HTML, and a browser gets the page for people.

Clients with a cache must ask again each time (`no-cache`), which costs an answer without a body: by RFC 9111, 4.2.2, they could
else trust a page that did not change for a year for another month, and not see a removal. uv does.
"""

from collections.abc import Iterator

from wheelhouse.mirror.simple import JSON_TYPE, PAGE_BROWSE, PAGE_HTML, PAGE_JSON

JSON = "[.](v1|latest)[+]json"
HTML = "([.](v1|latest)[+]|text/)html"
PARAMETERS = "([ \t]*;[ \t]*[^q,;][^,;]*)*[ \t]*"
"""The parameters of a media type before its weight (RFC 9110, 12.5.1)."""
FULL = f"{PARAMETERS}(,|$|;[ \t]*q=1)"
ZERO = f"{PARAMETERS};[ \t]*q=0([.]0*)?[ \t]*(,|$)"
BROWSER = "application/xhtml[+]xml"
"""Every browser names this type, and no installer does."""
OF_NGINX, OF_CADDY, OF_APACHE = "nginx.conf", "Caddyfile", ".htaccess"
NOTE = "`wheelhouse index` writes this file again on each run: include this file, and do not edit it."


UNUSABLE = {OF_NGINX: ("$",), OF_CADDY: ("{", "`")}
"""What a configuration cannot have in the path of a folder: what stands for a variable, and Caddy's quotes.

nginx has no escape for it. Caddy's backslash is taken away once for each `import`, in some releases.
"""


def unusable_in(root: str, configuration: str) -> str:
    """A character in the path of a tree that this configuration (OF_NGINX, OF_CADDY) cannot have; empty if there is none."""
    return next((text for text in UNUSABLE[configuration] if text in root), "")


def _not_usable(root: str, configuration: str) -> str:
    """A configuration that is one comment: it says why it has no directives."""
    text = unusable_in(root, configuration)
    return (
        f"# This file cannot contain the path of the index: the path has the character {text}. Serve the index "
        "from another folder.\n"
    )


def _weight(first_decimals: str) -> str:
    """A regular expression for a weight (`q`) below 1 whose first decimal is one of these digits, or in their range."""
    return f"{PARAMETERS};[ \t]*q=0[.][{first_decimals}]"


def accept_rules() -> Iterator[tuple[str, str]]:
    """Yield regular expressions for the Accept header, for any case, each with the file name of its page. The first that matches counts.

    If none matches, the page is HTML.
    """
    yield BROWSER, PAGE_BROWSE
    yield JSON + ZERO, PAGE_HTML
    for decimal in range(10):
        json = JSON + _weight(str(decimal))
        heavier = f"({FULL}|{_weight(f'{decimal + 1}-9')})" if decimal < 9 else FULL
        yield f"{json}.*{HTML}{heavier}|{HTML}{heavier}.*{json}", PAGE_HTML
    yield JSON, PAGE_JSON


def nginx_conf(root: str) -> str:
    """The text that a `server` block of nginx includes; only a comment if it cannot name `root`, the absolute path of the tree."""
    if unusable_in(root, OF_NGINX):
        return _not_usable(root, OF_NGINX)
    rules = "".join(
        f'if ($http_accept ~* "{regex}") {{ set $wheelhouse_page {page}; }}\n' for regex, page in _reversed()
    )
    quoted = root.replace("\\", "\\\\").replace('"', '\\"')
    return f"""# {NOTE}
# server {{ listen 80; include /path/of/this/file; }}
set $wheelhouse_page {PAGE_HTML};
{rules}location = /simple {{ return 301 /simple/; }}
location ~ ^/simple/(.*/)?[.] {{ return 404; }}
location /simple/ {{
    alias "{quoted}/";
    index $wheelhouse_page {PAGE_HTML};
    types {{
        {JSON_TYPE} json;
        text/html html;
    }}
    default_type application/octet-stream;
    charset utf-8;
    add_header Vary Accept;
    add_header Cache-Control no-cache;
}}
"""


def caddyfile(root: str) -> str:
    """The text that a site of Caddy imports; only a comment if it cannot name `root`, the absolute path of the tree."""
    if unusable_in(root, OF_CADDY):
        return _not_usable(root, OF_CADDY)
    rules = "".join(f'\t\t\t"~(?i){regex}" {page}\n' for regex, page in accept_rules())
    return f"""# {NOTE}
# mirror.example {{
#	import /path/of/this/file
# }}
redir /simple /simple/ permanent
handle_path /simple/* {{
	route {{
		root * `{root}`
		map {{header.Accept}} {{wheelhouse_page}} {{
{rules}			default {PAGE_HTML}
		}}
		@hidden path_regexp (^|/)[.]
		respond @hidden 404
		@folder path */
		rewrite @folder {{path}}{{wheelhouse_page}}
		@json path *.json
		header @json Content-Type {JSON_TYPE}
		@html path *.html
		header @html Content-Type "text/html; charset=utf-8"
		header Vary Accept
		header Cache-Control no-cache
		file_server
	}}
}}
"""


def htaccess() -> str:
    """The text that Apache reads in the tree itself, if `AllowOverride FileInfo` permits it. It needs mod_rewrite and mod_setenvif."""
    rules = "".join(f'SetEnvIfNoCase Accept "{regex}" wheelhouse_page={page}\n' for regex, page in _reversed())
    return f"""# {NOTE}
# Alias /simple /path/of/this/folder, with `AllowOverride FileInfo`, `Options FollowSymLinks` and mod_rewrite
AddType {JSON_TYPE} .json
AddType text/html .html
AddDefaultCharset utf-8
<IfModule mod_headers.c>
Header merge Vary Accept
Header set Cache-Control no-cache
</IfModule>
<IfModule mod_rewrite.c>
SetEnvIf Request_URI "^" wheelhouse_page={PAGE_HTML}
{rules}RewriteEngine On
RewriteRule "(^|/)[.]" - [R=404,L]
RewriteCond "%{{REQUEST_FILENAME}}" -d
RewriteRule "^((.*/)?)$" "$1%{{ENV:wheelhouse_page}}" [L]
</IfModule>
"""


def _reversed() -> list[tuple[str, str]]:
    """The `accept_rules` in reverse, for a server where the last one that matches counts."""
    return list(accept_rules())[::-1]
