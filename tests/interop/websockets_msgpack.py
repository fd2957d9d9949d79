#!/usr/bin/env python3
"""A visitor and an operator over WebSocket, with PyPI's `websockets` and `msgpack`.

Written from protocol/SPEC.md alone, with no code of this project: if this runs, a stranger can
write a client. The rules that are checked stand beside the checks.

    python websockets_msgpack.py --http 127.0.0.1:8080 --site demo --token TOKEN
"""

import argparse
import asyncio
import itertools
import os
import uuid

import msgpack
from websockets.asyncio.client import connect

PATIENCE = 20.0
WHOLE_STORY = 150.0
REQUEST, RESPONSE, NOTIFICATION = 0, 1, 2


class Refused(Exception):
    """The server answered a request with an error (ER1)."""

    def __init__(self, error):
        super().__init__(f"{error['code']}: {error['message']}")
        self.code, self.retry, self.data = error["code"], error["retry"], error.get("data")


class Client:
    """One connection: requests, notifications, and the events of the sessions that it follows."""

    def __init__(self, name, socket):
        self.name, self.socket = name, socket
        self.ids = itertools.count(1)
        self.open = {}
        self.heard = []
        self.last = {}
        self.news = asyncio.Event()
        self.reader = asyncio.create_task(self.read())

    @classmethod
    async def open(cls, name, address):
        socket = await connect(f"ws://{address}/ws", subprotocols=["vigie.v1.msgpack"])
        assert socket.subprotocol == "vigie.v1.msgpack", "TR3"
        return cls(name, socket)

    async def close(self):
        await self.socket.close()
        await self.reader
        assert self.socket.close_code == 1000, "CL6: the server answers the close"

    async def read(self):
        async for data in self.socket:
            assert isinstance(data, bytes), "TR5: binary messages"
            unpacker = msgpack.Unpacker()
            unpacker.feed(data)
            for message in unpacker:
                await self.take(message)

    async def take(self, message):
        if message[0] == RESPONSE:
            _, id, error, result = message
            waiting = self.open.pop(id)
            if waiting.cancelled():
                return
            waiting.set_exception(Refused(error)) if error else waiting.set_result(result)
        elif message[0] == REQUEST:
            _, id, method, _ = message
            unknown = {"code": -32601, "message": f"no method {method}", "retry": False}
            answer = [RESPONSE, id, None, {}] if method == "ping" else [RESPONSE, id, unknown, None]
            await self.socket.send(msgpack.packb(answer))
        else:
            _, method, (params,) = message
            if method == "event" and not self.accept(params):
                return
            self.heard.append((method, params))
            self.news.set()

    def accept(self, event):
        """The gap proof (RS3)."""
        session, last = event["session"], self.last.get(event["session"], 0)
        if event["offset"] <= last:
            return False
        assert event["prev"] <= last, f"RS1: a gap before {event['offset']} ({last} was the last)"
        self.last[session] = event["offset"]
        return True

    async def ask(self, method, **params):
        id = next(self.ids)
        answer = self.open[id] = asyncio.get_running_loop().create_future()
        await self.socket.send(msgpack.packb([REQUEST, id, method, [params]]))
        return await asyncio.wait_for(answer, PATIENCE)

    async def tell(self, method, **params):
        await self.socket.send(msgpack.packb([NOTIFICATION, method, [params]]))

    async def hears(self, what, method, wanted=lambda params: True):
        """Waits for a notification, and takes it out of what was heard."""

        async def search():
            while True:
                for index, (heard, params) in enumerate(self.heard):
                    if heard == method and wanted(params):
                        del self.heard[index]
                        return params
                self.news.clear()
                await self.news.wait()

        try:
            return await asyncio.wait_for(search(), PATIENCE)
        except asyncio.TimeoutError:
            raise AssertionError(f"{self.name} waited for {what} in vain; heard {self.heard}")

    async def sees(self, type, wanted=lambda event: True):
        """Waits for an event of a type."""
        return await self.hears(
            f"the event {type}",
            "event",
            lambda event: event["body"]["type"] == type and wanted(event),
        )

    async def is_refused(self, code, method, **params):
        try:
            result = await self.ask(method, **params)
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


async def visitor_connects(options, resume=None):
    visitor = await Client.open("the visitor", options.http)
    params = {"protocol": 1, "site": options.site, "language": "en", "agent": "interop/1"}
    params |= {"page": {"url": "https://shop.example/bags", "title": "Bags"}}
    if resume:
        params["resume"] = resume
    connected = await visitor.ask("connect", **params)
    assert connected["protocol"] == 1 and connected["heartbeat"] > 0, "CN7"
    me = connected["identity"]
    assert me["role"] == "visitor" and me["resume"], "ID8"
    return visitor, me


async def visitor_asks(visitor, text):
    """Asks the bot and returns its answer, checking what SPEC.md promises of it."""
    key = str(uuid.uuid4())
    sent = await visitor.ask("send", key=key, text=text)
    own = await visitor.sees("message", said(text))
    assert own["offset"] == sent["offset"] and own["author"] == {"kind": "visitor"}, "SN5"
    assert own["body"]["key"] == key, "EV4: the author sees the key"
    answer = await visitor.sees("message", by_bot)
    assert answer["body"]["turn"] == sent["offset"], "BT2: the answer names its turn"
    assert answer["body"]["epoch"] == sent["epoch"] and answer["body"]["text"], "BT3"
    again = await visitor.ask("send", key=key, text=text)
    assert again["offset"] == sent["offset"], "SN2: the same key says nothing again"
    refused = await visitor.is_refused(1040, "send", key=key, text=text + "!")
    assert refused.data == {"offset": sent["offset"]}, "SN3"
    return answer


async def operator_connects(options, session):
    operator = await Client.open("the operator", options.http)
    connected = await operator.ask("connect", protocol=1, token=options.token)
    me = connected["identity"]
    assert me["role"] == "operator" and me["expires"] > connected["time"], "CN7"
    watching = await operator.ask("watch", window={"sort": "newest", "first": 10})
    cards = {card["session"]: card for card in watching["cards"]}
    assert cards[session]["online"] and cards[session]["control"]["holder"] == {"kind": "bot"}, "LV6"
    return operator, me, watching["revision"]


async def operator_observes(operator, visitor, session):
    """Follows the session; the visitor must not notice (RS9)."""
    before = noticed(visitor)
    subscribed = await operator.ask("subscribe", session=session, offset=0)
    assert subscribed["card"]["session"] == session, "subscribe: operators get the card"
    started = await operator.sees("session_started")
    assert started["offset"] == 1 and started["prev"] == 0, "EV1"
    while operator.last[session] < subscribed["offset"]:
        message = await operator.sees("message")
        assert "key" not in message["body"], "EV4: others do not see the key"
    await operator.tell("typing", session=session)
    await operator.ask("ping")
    await visitor.ask("ping")
    assert noticed(visitor) == before, f"RS9: the visitor noticed {visitor.heard}"


def noticed(client):
    """All that was heard, but how well the engine is: that is told at any time (ND6)."""
    return [(method, params) for method, params in client.heard if method != "status"]


async def operator_takes_over(operator, visitor, session, name):
    taken = await operator.ask("take_over", session=session)
    assert taken["epoch"] == 2, "TK1"
    again = await operator.ask("take_over", session=session)
    assert again["epoch"] == 2, "TK5"
    change = await visitor.sees("control_changed")
    body = change["body"]
    assert body["holder"] == {"kind": "operator", "name": name}, "TK13: the name, and no id"
    assert body["cause"] == "take_over" and body["epoch"] == 2 and "reason" not in body, "TK2"
    assert name in body["notice"], "TK13: a text to show"
    return change["offset"]


async def human_answers(operator, visitor, session, name, change):
    await visitor.tell("typing", text="Are you")
    signal = await operator.hears("typing", "typing")
    assert signal["author"] == {"kind": "visitor"} and signal["text"] == "Are you", "SG3"
    asked = await visitor.ask("send", key=str(uuid.uuid4()), text="Are you a human?")
    assert asked["epoch"] == 2, "SN1"
    await operator.sees("message", said("Are you a human?"))
    words = {"session": session, "key": str(uuid.uuid4()), "text": "I am. How can I help?"}
    refused = await operator.is_refused(1034, "send", seen=change, **words)
    assert refused.data["unseen"] == 1 and not refused.retry, "SN8"
    await operator.tell("typing", session=session)
    signal = await visitor.hears("typing", "typing")
    assert signal["author"] == {"kind": "operator", "name": name} and "text" not in signal, "SG4"
    sent = await operator.ask("send", seen=operator.last[session], **words)
    reply = await visitor.sees("message", said(words["text"]))
    assert reply["author"] == {"kind": "operator", "name": name}, "EV3: the name, and no id"
    assert reply["offset"] == sent["offset"] and "key" not in reply["body"], "EV4"


async def operator_releases(operator, visitor, session):
    released = await operator.ask("release", session=session)
    assert released["epoch"] == 3, "TK6"
    change = await visitor.sees("control_changed")
    assert change["body"]["holder"] == {"kind": "bot"}, "TK6"
    assert change["body"]["cause"] == "release", "TK6"
    refused = await operator.is_refused(
        1031, "send", session=session, key=str(uuid.uuid4()), text="One more thing"
    )
    assert refused.data["epoch"] == 3, "SN7"


async def live_list_follows(operator, session, revision):
    """Every delta is one more than the one before (LV2); the last card tells of the release."""
    card = None
    while not card or card["control"]["epoch"] < 3:
        delta = await operator.hears("a delta", "live")
        revision += 1
        assert delta["revision"] == revision, "LV2"
        card = next((c for c in delta.get("upsert", []) if c["session"] == session), card)
    assert card["control"]["holder"] == {"kind": "bot"} and card["messages"] >= 4, "LV4"


async def nothing_is_forged(visitor):
    refused = await visitor.is_refused(
        1012, "send", key=str(uuid.uuid4()), text="Hi", author="operator"
    )
    assert refused.data == {"field": "author"}, "ID4"
    await visitor.is_refused(-32601, "dance")
    await visitor.is_refused(1010, "watch")
    await visitor.is_refused(1020, "history", session=str(uuid.uuid4()))
    await visitor.tell("release", session=str(uuid.uuid4()))
    problem = await visitor.hears("an error", "error")
    assert problem["method"] == "release" and problem["error"]["code"] == -32600, "RP9"
    assert await visitor.ask("ping") == {}, "ER11: the connection is open still"


async def the_log_is_whole(visitor):
    page = await visitor.ask("history")
    offsets = [event["offset"] for event in page["events"]]
    assert offsets == sorted(set(offsets)) and "next" not in page, "RS10"
    for event in page["events"]:
        body = event["body"]
        assert not (by_bot(event) and body["epoch"] == 2), "BT3: no bot under a human's epoch"
    return page["events"]


async def visitor_resumes(options, visitor, me, session):
    last = visitor.last[session]
    await visitor.close()
    visitor, back = await visitor_connects(options, me["resume"])
    assert back["visitor"] == me["visitor"] and back["session"] == session, "CN8"
    subscribed = await visitor.ask("subscribe", offset=last)
    assert subscribed["offset"] == last, "RS2: nothing was missed"
    refused = await visitor.is_refused(1023, "subscribe", offset=1_000_000)
    assert refused.data["head"] >= last, "RS4"
    await visitor.close()


async def run(options):
    visitor, me = await visitor_connects(options)
    session = me["session"]
    subscribed = await visitor.ask("subscribe")
    assert subscribed["session"] == session and "card" not in subscribed, "RS8"
    done("a visitor connects and subscribes")

    operator, self, revision = await operator_connects(options, session)
    done("an operator connects and watches")

    answer = await visitor_asks(visitor, "How long does shipping to France take?")
    assert answer["body"]["epoch"] == 1, "TK1"
    done(f"the bot answers: {answer['body']['text'][:60]!r} …")

    await operator_observes(operator, visitor, session)
    done("the operator observes unseen")

    change = await operator_takes_over(operator, visitor, session, self["name"])
    done(f"{self['name']} takes over, and the visitor sees the name")

    await human_answers(operator, visitor, session, self["name"], change)
    done("the human answers, once they have seen what was said")

    await operator_releases(operator, visitor, session)
    answer = await visitor_asks(visitor, "Can I send a bag back?")
    assert answer["body"]["epoch"] == 3, "TK6"
    done("after the release the bot answers again")

    await live_list_follows(operator, session, revision)
    done("the live list told of it, delta by delta")

    await nothing_is_forged(visitor)
    done("what is forged or unknown is refused, and the connection stays")

    events = await the_log_is_whole(visitor)
    await visitor_resumes(options, visitor, me, session)
    done(f"the log of {len(events)} visible events is whole, and resumed without a gap")
    await operator.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--http", default="127.0.0.1:8080", help="address of the HTTP port")
    parser.add_argument("--site", default="demo", help="public key of the site")
    parser.add_argument("--token", default=os.environ.get("VIGIE_TOKEN"), help="an operator's")
    options = parser.parse_args()
    if not options.token:
        parser.error("give an operator's token with --token or VIGIE_TOKEN")
    asyncio.run(asyncio.wait_for(run(options), WHOLE_STORY))


if __name__ == "__main__":
    main()
