using Google.Protobuf;
using Kv.Cli.Calls;

namespace Kv.Cli.Commands;

/// <summary>A server's reply to a command, and which node was asked.</summary>
internal sealed record Answer(Command Command, IMessage Reply, TargetAddress Target);
