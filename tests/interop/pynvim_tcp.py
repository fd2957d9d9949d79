#!/usr/bin/env python3
"""A visitor and an operator over plain TCP, with the MessagePack-RPC session of PyPI's `pynvim`.

pynvim was written for an editor, by people who never heard of Vigie. That its session runs here
unchanged shows that the TCP stream is MessagePack-RPC as everybody has it. The conversation follows
protocol/SPEC.md; the rules that are checked stand beside the checks.

    python pynvim_tcp.py --tcp 127.0.0.1:8090 --site demo --token TOKEN
    python pynvim_tcp.py --tcp 127.0.0.1:8090 --site demo --heartbeat
"""

import argparse
import faulthandler
import os
import threading
import time
import uuid

from pynvim.msgpack_rpc import tcp_session

PATIENCE = 20.0


class Refused(Exception):
    """The server answered a request with an error (ER1)."""

    def __init__(self, error):
        super().__init__(f"{error['code']}: {error['message']}")
        self.code, self.retry, self.data = error["code"], error["retry"], error.get("data")


class Peer:
    """One session, and what it has heard that nobody has looked at yet."""

    def __init__(self, name, address):
        host, port = address.rsplit(":", 1)
        self.name = name
        self.session = tcp_session(host, int(port))
        self.session.error_wrapper = Refused
        self.heard = []
        self.last = {}
        self.pings = 0

    def close(self):
        self.session.close()

    def ask(self, method, **params):
        return self.session.request(method, params)

    def tell(self, method, **params):
        self.session.request(method, params, async_=True)

    def listen(self, deadline):
        """Takes the next message; answers the server's requests (HB1, VS8)."""
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            return False
        alarm = threading.Timer(remaining, self.session.threadsafe_call, [self.session.stop])
        alarm.start()
        try:
            message = self.session.next_message()
        finally:
            alarm.cancel()
        if message is None:
            return time.monotonic() < deadline
        if message.type == "request":
            if message.name == "ping":
                self.pings += 1
                message.response.send({})
            else:
                unknown = {"code": -32601, "message": f"no {message.name}", "retry": False}
                message.response.send(unknown, error=True)
        else:
            (params,) = message.args
            if message.name != "event" or self.accept(params):
                self.heard.append((message.name, params))
        return True

    def accept(self, event):
        """The gap proof (RS3)."""
        session, last = event["session"], self.last.get(event["session"], 0)
        if event["offset"] <= last:
            return False
        assert event["prev"] <= last, f"RS1: a gap before {event['offset']} ({last} was the last)"
        self.last[session] = event["offset"]
        return True

    def hears(self, what, method, wanted=lambda params: True):
        """Waits for a notification, and takes it out of what was heard."""
        deadline = time.monotonic() + PATIENCE
        while True:
            for index, (heard, params) in enumerate(self.heard):
                if heard == method and wanted(params):
                    del self.heard[index]
                    return params
            if not self.listen(deadline):
                raise AssertionError(f"{self.name} waited for {what} in vain; heard {self.heard}")

    def sees(self, type, wanted=lambda event: True):
        """Waits for an event of a type."""
        return self.hears(
            f"the event {type}",
            "event",
            lambda event: event["body"]["type"] == type and wanted(event),
        )

    def is_refused(self, code, method, **params):
        try:
            result = self.ask(method, **params)
        except Refused as refused:
            assert refused.code == code, f"{method}: {refused}, not {code}"
            return refused
        raise AssertionError(f"{method} was to be refused with {code}, but answered {result}")


def said(text):
    return lambda event: event["body"]["text"] == text


def by_bot(event):
    return event["author"]["kind"] == "bot"


def done(what):
    print(f"ok: {what}", flush=True)


def visitor_connects(options, resume=None):
    visitor = Peer("the visitor", options.tcp)
    params = {"protocol": 1, "site": options.site, "language": "en", "agent": "interop/1"}
    if resume:
        params["resume"] = resume
    connected = visitor.ask("connect", **params)
    assert connected["protocol"] == 1, "CN7"
    me = connected["identity"]
    assert me["role"] == "visitor" and me["resume"], "ID8"
    return visitor, me, connected["heartbeat"]


def greeting_is_tolerated(visitor):
    """pynvim greets every server as if it were the editor; that is refused, and no more (RP10)."""
    problem = visitor.hears("an error", "error")
    assert problem["method"] == "nvim_set_client_info", "RP10"
    assert problem["error"]["code"] == -32600, "RP10"


def visitor_asks(visitor, text):
    """Asks the bot and returns its answer, checking what SPEC.md promises of it."""
    key = str(uuid.uuid4())
    sent = visitor.ask("send", key=key, text=text)
    own = visitor.sees("message", said(text))
    assert own["offset"] == sent["offset"] and own["body"]["key"] == key, "SN5"
    answer = visitor.sees("message", by_bot)
    assert answer["body"]["turn"] == sent["offset"], "BT2: the answer names its turn"
    assert answer["body"]["epoch"] == sent["epoch"] and answer["body"]["text"], "BT3"
    assert visitor.ask("send", key=key, text=text)["offset"] == sent["offset"], "SN2"
    return answer


def operator_connects(options, session):
    operator = Peer("the operator", options.tcp)
    me = operator.ask("connect", protocol=1, token=options.token)["identity"]
    assert me["role"] == "operator", "CN7"
    watching = operator.ask("watch", window={"first": 10})
    cards = {card["session"]: card for card in watching["cards"]}
    assert cards[session]["control"]["holder"] == {"kind": "bot"}, "LV1"
    colleagues = operator.ask("operators")["operators"]
    assert me["id"] in [colleague["id"] for colleague in colleagues], "PR1"
    return operator, me


def operator_observes(operator, visitor, session):
    """Follows the session; the visitor must not notice (RS9)."""
    subscribed = operator.ask("subscribe", session=session, offset=0)
    assert operator.sees("session_started")["offset"] == 1, "EV1"
    while operator.last[session] < subscribed["offset"]:
        assert "key" not in operator.sees("message")["body"], "EV4"
    operator.ask("note", session=session, key=str(uuid.uuid4()), text="A friendly one.")
    assert operator.sees("note")["body"]["text"] == "A friendly one.", "EV3"
    last = visitor.ask("history")["events"][-1]
    assert last["body"]["type"] == "message" and last["offset"] < operator.last[session], "RS9"


def operator_takes_over(operator, visitor, session, name):
    assert operator.ask("take_over", session=session)["epoch"] == 2, "TK1"
    change = visitor.sees("control_changed")
    assert change["body"]["holder"] == {"kind": "operator", "name": name}, "TK13"
    assert name in change["body"]["notice"], "TK13: a text to show"
    assert change["prev"] < change["offset"] - 1, "RS3: the note lies between, unseen"


def human_answers(operator, visitor, session, name):
    visitor.ask("send", key=str(uuid.uuid4()), text="Are you a human?")
    operator.sees("message", said("Are you a human?"))
    words = {"session": session, "key": str(uuid.uuid4()), "text": "I am. How can I help?"}
    refused = operator.is_refused(1034, "send", seen=1, **words)
    assert refused.data["unseen"] >= 1, "SN8"
    sent = operator.ask("send", seen=operator.last[session], **words)
    reply = visitor.sees("message", said(words["text"]))
    assert reply["author"] == {"kind": "operator", "name": name}, "EV3: the name, and no id"
    assert reply["offset"] == sent["offset"] and reply["body"]["epoch"] == 2, "SN1"


def operator_releases(operator, visitor, session):
    assert operator.ask("release", session=session)["epoch"] == 3, "TK6"
    change = visitor.sees("control_changed")
    assert change["body"]["holder"] == {"kind": "bot"}, "TK6"
    refused = operator.is_refused(1031, "release", session=session)
    assert refused.data["epoch"] == 3, "TK6"


def the_log_is_whole(visitor, session):
    """The same page by page as at once (RS10)."""
    events, after = [], 0
    while after is not None:
        page = visitor.ask("history", after=after, limit=3)
        events += page["events"]
        after = page.get("next")
    assert events == visitor.ask("history", session=session)["events"], "RS10"
    under_the_human = [event for event in events if event["body"].get("epoch") == 2]
    assert not any(by_bot(event) for event in under_the_human), "BT3"
    return events


def converse(options):
    visitor, me, _ = visitor_connects(options)
    session = me["session"]
    greeting_is_tolerated(visitor)
    visitor.ask("subscribe")
    done("a visitor connects and subscribes")

    operator, self = operator_connects(options, session)
    done("an operator connects and watches")

    answer = visitor_asks(visitor, "How long does shipping to France take?")
    done(f"the bot answers: {answer['body']['text'][:60]!r} …")

    operator_observes(operator, visitor, session)
    done("the operator observes unseen")

    operator_takes_over(operator, visitor, session, self["name"])
    done(f"{self['name']} takes over, and the visitor sees the name")

    human_answers(operator, visitor, session, self["name"])
    done("the human answers, once they have seen what was said")

    operator_releases(operator, visitor, session)
    answer = visitor_asks(visitor, "Can I send a bag back?")
    assert answer["body"]["epoch"] == 3, "TK6"
    done("after the release the bot answers again")

    operator.hears(
        "the card",
        "live",
        lambda live: any(card["control"]["epoch"] == 3 for card in live.get("upsert", [])),
    )
    done("the live list told of it")

    events = the_log_is_whole(visitor, session)
    last = visitor.last[session]
    visitor.close()
    visitor, back, _ = visitor_connects(options, me["resume"])
    assert back["session"] == session and back["offset"] == last, "CN8"
    assert visitor.ask("subscribe", offset=last)["offset"] == last, "RS2"
    done(f"the log of {len(events)} visible events is whole, and resumed without a gap")
    visitor.close()
    operator.close()


def stay_alive(options):
    """Sends nothing but answers to the server's pings, for longer than silence is allowed."""
    visitor, _, heartbeat = visitor_connects(options)
    while visitor.pings < 3:
        deadline = time.monotonic() + PATIENCE + 4 * heartbeat / 1000
        assert visitor.listen(deadline), f"HB3: only {visitor.pings} pings came"
        assert not any(method == "bye" for method, _ in visitor.heard), "HB1"
    assert visitor.ask("ping") == {}, "HB1"
    visitor.close()
    done(f"{visitor.pings} pings of the server were answered, {heartbeat} ms apart")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tcp", default="127.0.0.1:8090", help="address of the TCP port")
    parser.add_argument("--site", default="demo", help="public key of the site")
    parser.add_argument("--token", default=os.environ.get("VIGIE_TOKEN"), help="an operator's")
    parser.add_argument("--heartbeat", action="store_true", help="only answer the server's pings")
    options = parser.parse_args()
    # pynvim's requests wait without a limit of their own.
    faulthandler.dump_traceback_later(150, exit=True)
    if options.heartbeat:
        return stay_alive(options)
    if not options.token:
        parser.error("give an operator's token with --token or VIGIE_TOKEN")
    converse(options)


if __name__ == "__main__":
    main()
