using Kv.Actors.Nodes;
using Kv.Host.Nodes;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Kv.Host;

/// <summary>
/// Readiness over HTTP (per node, by port) and for the gRPC health service (all nodes of the process).
/// </summary>
internal static class HealthEndpoints
{
    public static async Task<IResult> ReadyAsync(HttpContext call, NodeSlots slots)
    {
        NodeStatus status = await slots.Of(call).GetStatusAsync(call.RequestAborted);
        return status.State == NodeState.Ready
            ? Results.Text("ready\n")
            : Results.Text(
                $"{status.State.ToString().ToLowerInvariant()}: {status.Reason}\n",
                statusCode: StatusCodes.Status503ServiceUnavailable);
    }

    public sealed class AllReady(NodeSlots slots) : IHealthCheck
    {
        public async Task<HealthCheckResult> CheckHealthAsync(
            HealthCheckContext context, CancellationToken cancellationToken = default)
        {
            foreach (NodeSlot slot in slots.All)
            {
                NodeStatus status = await slot.GetStatusAsync(cancellationToken);
                if (status.State != NodeState.Ready)
                {
                    return HealthCheckResult.Unhealthy($"{status.NodeId}: {status.Reason}");
                }
            }
            return HealthCheckResult.Healthy();
        }
    }
}
