"""TLS clients that do what Python's own module does not let one do."""

import ctypes
import ssl


class Drip:
    """A TLS client in memory whose bytes leave as slowly and as split as one likes."""

    def __init__(self, agent, name):
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = agent.context().wrap_bio(self.incoming, self.outgoing, server_hostname=name)
        try:
            self.tls.do_handshake()
        except ssl.SSLWantReadError:
            pass
        self.hello = self.outgoing.read()

    def finish(self, plain):
        plain.settimeout(5)
        while True:
            data = plain.recv(65536)
            assert data, "closed during the handshake"
            self.incoming.write(data)
            try:
                self.tls.do_handshake()
                plain.sendall(self.outgoing.read())
                return
            except ssl.SSLWantReadError:
                plain.sendall(self.outgoing.read())


def flood_with_key_updates(descriptor, name, count):
    """Open TLS over a connected socket and change our key so many times; how often it went well.
    Python's own module cannot."""
    library = ctypes.CDLL("libssl.so.3")
    for function in ("TLS_client_method", "SSL_CTX_new", "SSL_new"):
        getattr(library, function).restype = ctypes.c_void_p
    context = ctypes.c_void_p(library.SSL_CTX_new(ctypes.c_void_p(library.TLS_client_method())))
    session = ctypes.c_void_p(library.SSL_new(context))
    set_host_name = 55
    library.SSL_ctrl(session, set_host_name, ctypes.c_long(0), ctypes.c_char_p(name.encode()))
    library.SSL_set_fd(session, descriptor)
    assert library.SSL_connect(session) == 1
    done = 0
    while done < count and library.SSL_key_update(session, 0) == 1:
        if library.SSL_do_handshake(session) != 1:
            break
        done += 1
    library.SSL_free(session)
    library.SSL_CTX_free(context)
    return done
