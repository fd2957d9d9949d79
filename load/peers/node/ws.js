// A relay on `ws`, as its own documentation broadcasts: send to each client in turn.
import { createServer } from "node:http";
import { WebSocketServer } from "ws";
import { command, JOINED, listen } from "./rooms.js";

const rooms = new Map();
const server = createServer();
const sockets = new WebSocketServer({ server });

sockets.on("connection", (socket) => {
  const joined = new Set();
  socket.on("message", (bytes) => {
    const { join, publish, payload } = command(bytes) ?? {};
    if (join !== undefined) {
      if (!rooms.has(join)) rooms.set(join, new Set());
      rooms.get(join).add(socket);
      joined.add(join);
      socket.send(JOINED);
    } else if (publish !== undefined) {
      for (const member of rooms.get(publish) ?? []) member.send(payload);
    } else {
      socket.close(1002);
    }
  });
  socket.on("close", () => {
    for (const room of joined) {
      rooms.get(room).delete(socket);
      if (rooms.get(room).size === 0) rooms.delete(room);
    }
  });
  socket.on("error", (error) => console.error(error.message));
});

listen(server);
