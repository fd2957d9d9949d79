// A relay on socket.io with its MessagePack parser, as its own documentation does rooms.
import { createServer } from "node:http";
import { Server } from "socket.io";
import parser from "socket.io-msgpack-parser";
import { listen } from "./rooms.js";

const server = createServer();
const io = new Server(server, { parser, transports: ["websocket"], serveClient: false });

io.on("connection", (socket) => {
  socket.on("join", (room, answer) => {
    socket.join(room);
    answer();
  });
  socket.on("say", (room, payload) => {
    io.to(room).emit("event", payload);
  });
});

listen(server);
