using System.Text.Json.Serialization;

namespace Kv.Host.Grpc;

/// <summary>JSON strings without reflection.</summary>
[JsonSerializable(typeof(string))]
internal sealed partial class SimpleApiJson : JsonSerializerContext;
