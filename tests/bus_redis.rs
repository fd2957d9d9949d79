//! The bus between nodes, over real Redis servers that are stopped, cut off and wiped.
#![allow(clippy::unwrap_used)]

#[path = "support/redis.rs"]
mod redis_server;

#[path = "bus_redis/adoption.rs"]
mod adoption;
#[path = "bus_redis/attendance.rs"]
mod attendance;
#[path = "bus_redis/beats.rs"]
mod beats;
#[path = "bus_redis/cluster.rs"]
mod cluster;
#[path = "bus_redis/deaf.rs"]
mod deaf;
#[path = "bus_redis/events.rs"]
mod events;
#[path = "bus_redis/hearing.rs"]
mod hearing;
#[path = "bus_redis/late.rs"]
mod late;
#[path = "bus_redis/messages.rs"]
mod messages;
#[path = "bus_redis/node.rs"]
mod node;
#[path = "bus_redis/share.rs"]
mod share;
