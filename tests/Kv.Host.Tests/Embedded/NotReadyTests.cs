using System.Net;
using Grpc.Core;
using Grpc.Health.V1;
using Kv.Host.Tests.Hosting;
using Kv.Host.Tests.Wire;
using Kv.Protos.V1;

namespace Kv.Host.Tests.Embedded;

/// <summary>
/// A node that has not caught up, for as long as the tests last: its log takes no registration.
/// </summary>
public sealed class NotReadyTests(NotReadyTests.StartingHost starting)
    : IClassFixture<NotReadyTests.StartingHost>
{
    private const string Reason = "This node has not caught up with the log yet.";

    private HostProcess Host => starting.Host;

    public sealed class StartingHost : IAsyncLifetime
    {
        private LogGate? _gate;

        public HostProcess Host { get; private set; } = null!;

        public async Task InitializeAsync()
        {
            Host = await HostProcess.StartAsync();
            await Host.TerminateAsync();
            _gate = LogGate.Close(Host);
            await Host.RestartAsync(waitUntilReady: false);
        }

        public async Task DisposeAsync()
        {
            await Host.DisposeAsync();
            _gate?.Dispose();
        }
    }

    [Fact]
    public async Task Readyz_answers_503_with_the_reason()
    {
        using HttpResponseMessage ready = await Host.Http().GetAsync("/readyz");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, ready.StatusCode);
        Assert.Equal($"starting: {Reason}\n", await ready.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Healthz_answers_200()
    {
        using HttpResponseMessage health = await Host.Http().GetAsync("/healthz");

        Assert.Equal(HttpStatusCode.OK, health.StatusCode);
    }

    [Fact]
    public async Task Every_call_is_unavailable_with_the_reason()
    {
        KvService.KvServiceClient kv = Host.Kv();
        Status[] refused =
        [
            await FailureOf(kv.SetAsync(new SetRequest { Key = "a", ValueJson = "1" })),
            await FailureOf(kv.GetAsync(new GetRequest { Key = "a" })),
            await FailureOf(kv.GetAsync(new GetRequest { Key = "a", Consistency = Consistency.Local })),
            await FailureOf(kv.DelAsync(new DelRequest { Key = "a" })),
            await FailureOf(kv.PrintAsync(new PrintRequest())),
            await FailureOf(kv.PrintAsync(new PrintRequest { Consistency = Consistency.Local })),
        ];

        Assert.All(refused, static status =>
            Assert.Equal((StatusCode.Unavailable, Reason), (status.StatusCode, status.Detail)));
    }

    [Fact]
    public async Task The_JSON_service_is_unavailable_with_the_reason()
    {
        using JsonWireClient wire = JsonWireClient.Start(Host.Target());

        WireAnswer refused = await wire.CallAsync("Set", """{"key":"a","value":1}""");

        Assert.Equal(("UNAVAILABLE", Reason), (refused.Code, refused.Details));
    }

    [Fact]
    public async Task Status_answers_all_the_same()
    {
        StatusReply status = await Host.StatusAsync();

        Assert.Equal(("starting", Reason), (status.State, status.Reason));
    }

    [Fact]
    public async Task The_health_service_says_that_it_does_not_serve()
    {
        var health = new Health.HealthClient(Host.Channel());

        HealthCheckResponse answer = await health.CheckAsync(new HealthCheckRequest());

        Assert.Equal(HealthCheckResponse.Types.ServingStatus.NotServing, answer.Status);
    }

    private static async Task<Status> FailureOf<T>(AsyncUnaryCall<T> call) =>
        (await Assert.ThrowsAsync<RpcException>(async () => await call)).Status;
}
