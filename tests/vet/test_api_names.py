"""Names, paths and addresses of Python's library and of well-known services, and what almost the same name is not."""

import re

from wheelhouse.vet.code import api_names

NAMES: tuple[tuple[re.Pattern[str], tuple[str, ...], tuple[str, ...]], ...] = (
    (
        api_names.DECRYPTING,
        ("cryptography.fernet.Fernet().decrypt", "Cipher().decryptor().update", "DES3.new().decrypt"),
        ("Fernet().encrypt", "Fernet().decrypt.odd", "Fernets().decrypt", "Cipher().encryptor().update", "decrypt"),
    ),
    (
        api_names.REVEALING,
        ("lsb.reveal", "stegano.lsbset.lsb.decode", "Steganography.extract"),
        ("lsb.hide", "lsb.reveal.odd", "oddlsb.reveal", "reveal"),
    ),
    (
        api_names.SECRET_VARIABLE,
        ("AWS_ACCESS_KEY_ID", "GITHUB_TOKEN", "api_key", "APIKEY", "MY_PRIVATE_KEY_PATH", "DB_PASSWORD"),
        ("AWS_REGION", "MONKEY", "PATH", "GITHUB_TOKEN.odd", "PRIVATE"),
    ),
    (
        api_names.SECRET_FILES,
        ("~/.ssh/id_rsa", "C:\\Users\\a\\.AWS\\credentials", "…/.netrc", "~/.ssh", "/a/TELEGRAM desktop/tdata"),
        ("a.netrc.py", "~/.sshd", "~/.ssh/id_rsa.pub", "~/.aws/config", "Telegram Desktop"),
    ),
    (
        api_names.STARTUP_FILES,
        ("~/.BashRC", "/etc/crontab", "~/.config/autostart/a", "a\\Start Menu\\Programs\\Startup", "sitecustomize.py"),
        ("a.bashrc", "~/.bashrc.txt", "/etc/hosts", "Start Menu", "sitecustomize.pyi"),
    ),
    (
        api_names.SUSPICIOUS_ADDRESS,
        ("//discord.com/API/webhooks/1", "//bit.ly/a", "//a.ngrok.io:80", "//odd.example.tk/a", "//a@webhook.site"),
        ("//discord.com/", "//bit.ly", "//ngrok.io.example", "//odd.example.tkx", "https://a.example/bit.ly/"),
    ),
    (
        api_names.PUBLIC_SERVICE,
        ("//api.telegram.org/BOT", "//bit.ly/a", "//ipinfo.io", "//api.ipify.org/?a"),
        ("//a.ngrok.io", "//webhook.site", "//ipinfo.iox"),
    ),
    (
        api_names.BOT_TOKEN,
        (f"bot12345678:{'a' * 35}/send", f"1234567890:{'A-_9a' * 7}"),
        (f"12345678901:{'a' * 35}", f"1234567:{'a' * 35}", f"12345678:{'a' * 34}", f"12345678:{'a' * 36}"),
    ),
    (
        api_names.NUMERIC_ADDRESS,
        ("see http://203.0.113.7/a", "https://a@[2001:db8::7]:80", "tcp://203.0.113.7"),
        ("http://203.0.113.7.example", "203.0.113.7", "http://203.0.113/", "gopher://203.0.113.7"),
    ),
    (
        api_names.PROGRAM_NAME,
        ("a.exe", "A.EXE", "https://a.example/a.sh?b", "a.so", "'a.ps1'", "a.dylib b"),
        ("a.exec", "a.py", "exe", "a.exe.txt"),
    ),
)


def test_names_are_known_and_longer_or_other_ones_are_not() -> None:
    for pattern, known, others in NAMES:
        assert [text for text in known if not pattern.search(text)] == []
        assert [text for text in others if pattern.search(text)] == []


def test_a_numeric_address_has_its_host() -> None:
    for address, host in {"http://a@203.0.113.7/x": "203.0.113.7", "http://[2001:db8::7]/": "[2001:db8::7]"}.items():
        match = api_names.NUMERIC_ADDRESS.search(address)
        assert match and match[1] == host


PUBLIC = (
    *("203.0.113.7", "[2001:db8::7]", "2001:db8::7", "1.2.3.4", "1.10.127.0", "9.0.0.1", "11.0.0.1", "126.0.0.1"),
    *("128.0.0.1", "172.15.0.1", "172.32.0.1", "173.16.0.1", "20.172.16.1", "192.169.0.1", "169.253.0.1"),
    *("1.1.1.2", "8.8.8.4", "[fb00::1]", "::ffff:102:304", "[2001:fc00::1]", "[fec0::1]"),
)
NOT_PUBLIC = (
    *("0.1.2.3", "10.0.0.1", "127.0.0.1", "192.168.1.1", "169.254.1.1", "172.16.0.1", "172.31.255.1"),
    *(
        "1.1.1.1",
        "8.8.8.8",
        "8.8.4.4",
        "[::1]",
        "::",
        "[fe80::1]",
        "[fc00::1]",
        "[fd12::1]",
        "::ffff:7f00:1",
        "::ffff:8.8.8.8",
        "a.example",
        "",
        "1.2.3",
    ),
)


def test_an_address_is_public_if_it_can_be_somebody_elses() -> None:
    assert [text for text in (*PUBLIC, *NOT_PUBLIC) if api_names.is_public(text)] == list(PUBLIC)
