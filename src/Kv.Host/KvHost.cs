using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Akka.Hosting;
using Grpc.AspNetCore.Server.Model;
using Kv.Actors.Nodes;
using Kv.Core;
using Kv.Host.Etcd;
using Kv.Host.Grpc;
using Kv.Host.Nodes;
using Kv.Host.Settings;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Serilog;
using Serilog.Events;

namespace Kv.Host;

/// <summary>Puts the process together: ports, gRPC and HTTP services, actors, nodes, logging.</summary>
internal static class KvHost
{
    /// <summary>Longest wait for calls and commands under way when the process is asked to stop, s.</summary>
    private const int StopSecondsMax = 20;

    // The host stops Akka, after the nodes; word of an append may come when its actor is gone, which is no
    // event; and no timer here is finer than 50 ms, while a tick of 10 ms costs an idle node twice the CPU.
    private const string AkkaSettings = """
        akka.coordinated-shutdown.exit-clr = off
        akka.coordinated-shutdown.run-by-clr-shutdown-hook = off
        akka.scheduler.tick-duration = 50ms
        akka.log-dead-letters = off
        akka.log-dead-letters-during-shutdown = off
        """;

    public static async Task<int> RunAsync(HostSettings settings, CancellationToken stop)
    {
        Environment.ExitCode = ExitCodes.Ok;
        Log.Logger = CreateLogger(settings);
        try
        {
            await using WebApplication app = Build(settings);
            await RunAsync(app, settings, stop);
            return Environment.ExitCode;
        }
        catch (SocketException noSuchAddress)
        {
            Console.Error.WriteLine(
                $"kv-host: The ports cannot be opened on {settings.BindAddress}: {noSuchAddress.Message}. "
                + $"KV_BIND_ADDRESS (--bind-address) is {Setting.BindAddress.Allowed}.");
            return ExitCodes.Usage;
        }
        catch (IOException portTaken) when (portTaken.Message.Contains(
            "bind", StringComparison.OrdinalIgnoreCase))
        {
            Console.Error.WriteLine(
                $"kv-host: {portTaken.Message} Choose other ports with RPC_PORT (--rpc-port) and HTTP_PORT "
                    + "(--http-port).");
            return ExitCodes.Usage;
        }
        finally
        {
            await Log.CloseAndFlushAsync();
        }
    }

    private static async Task RunAsync(WebApplication app, HostSettings settings, CancellationToken stop)
    {
        try
        {
            await app.StartAsync(stop);
        }
        catch (OperationCanceledException) when (app.Lifetime.ApplicationStopping.IsCancellationRequested)
        {
            // Refused to run, or asked to stop, before the ports were open.
            return;
        }
        Announce(settings, app.Logger);
        await app.WaitForShutdownAsync(stop);
    }

    private static WebApplication Build(HostSettings settings)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Services.AddSerilog();
        builder.Services.Configure<HostOptions>(options =>
            options.ShutdownTimeout = TimeSpan.FromSeconds(StopSecondsMax));
        builder.WebHost.ConfigureKestrel(kestrel => Listen(kestrel, settings));
        AddServices(builder.Services, settings);
        WebApplication app = builder.Build();
        int nodes = settings.NodeIds.Count;
        var limit = new CallLimit(new DelayLimit(
            KvLimits.CallsUnderWayMin * nodes, KvLimits.CallsUnderWayMax * nodes, TimeProvider.System));
        app.Use(next => call => limit.InvokeAsync(call, next));
        app.MapGrpcService<JsonKvService>();
        app.MapGrpcService<ProtoKvService>();
        app.MapGrpcService<SnapshotExportService>();
        app.MapGrpcService<PeerGrpcService>();
        EtcdServices.Map(app);
        app.MapGrpcHealthChecksService();
        app.MapGrpcReflectionService();
        app.MapGet("/healthz", static () => Results.Text("ok\n"));
        app.MapGet("/readyz", HealthEndpoints.ReadyAsync);
        return app;
    }

    private static void AddServices(IServiceCollection services, HostSettings settings)
    {
        services.AddSingleton(settings);
        services.AddSingleton<NodeSlots>();
        services.AddSingleton<SimpleApi>();
        services.AddSingleton<JsonKvService>();
        services.AddSingleton<ProtoKvService>();
        services.AddSingleton<SnapshotExportService>();
        services.AddSingleton<PeerGrpcService>();
        services.AddSingleton<IServiceMethodProvider<JsonKvService>, JsonKvService.MethodProvider>();
        services.AddGrpc(grpc =>
        {
            grpc.MaxReceiveMessageSize = KvLimits.MessageBytesMax;
            grpc.MaxSendMessageSize = KvLimits.MessageBytesMax + 1024;
        })// As proto3's JSON has it, and etcd's gateway: a reader whose numbers are doubles loses none.
        .AddJsonTranscoding(static json => json.JsonSettings.WriteInt64sAsStrings = true);
        EtcdServices.Add(services);
        services.AddGrpcReflection();
        services.AddGrpcHealthChecks().AddCheck<HealthEndpoints.AllReady>("");
        services.Configure<HealthCheckPublisherOptions>(options =>
        {
            options.Delay = TimeSpan.FromSeconds(1);
            options.Period = TimeSpan.FromSeconds(1);
        });
        services.AddAkka("kv", (akka, _) => akka
            .ConfigureLoggers(static loggers =>
            {
                loggers.ClearLoggers();
                loggers.AddLoggerFactory();
            })
            .AddHocon(AkkaSettings, HoconAddMode.Prepend));
        AddNodeFactory(services, settings.Mode);
        // After Akka, so that it stops before Akka does.
        services.AddHostedService<NodesService>();
    }

    private static void AddNodeFactory(IServiceCollection services, ReplicationMode mode)
    {
        switch (mode)
        {
            case ReplicationMode.Embedded:
                services.AddSingleton<INodeFactory, EmbeddedNodeFactory>();
                break;
            case ReplicationMode.Stream:
                services.AddSingleton<INodeFactory, StreamNodeFactory>();
                break;
            case ReplicationMode.Queue:
                services.AddSingleton<INodeFactory, QueueNodeFactory>();
                break;
            default:
                throw new UnreachableException($"Unknown mode {mode}.");
        }
    }

    private static void Listen(KestrelServerOptions kestrel, HostSettings settings)
    {
        kestrel.AddServerHeader = false;
        // Watches and keep-alives hold theirs open: with Kestrel's 100 a client's other calls would wait.
        kestrel.Limits.Http2.MaxStreamsPerConnection = KvLimits.StreamsPerConnectionMax;
        for (int i = 0; i < settings.NodeIds.Count; i++)
        {
            Listen(kestrel, settings.BindAddress, settings.RpcPort + i, HttpProtocols.Http2);
            if (settings.HttpPort > 0)
            {
                Listen(kestrel, settings.BindAddress, settings.HttpPort + i, HttpProtocols.Http1);
            }
        }
    }

    private static void Listen(
        KestrelServerOptions kestrel, string address, int port, HttpProtocols protocols)
    {
        void Configure(ListenOptions options) => options.Protocols = protocols;
        switch (address)
        {
            case "localhost":
                kestrel.ListenLocalhost(port, Configure);
                break;
            case "*":
                kestrel.ListenAnyIP(port, Configure);
                break;
            default:
                kestrel.Listen(IPAddress.Parse(address), port, Configure);
                break;
        }
    }

    private static Serilog.Core.Logger CreateLogger(HostSettings settings) => new LoggerConfiguration()
        .MinimumLevel.Is(settings.LogLevel)
        .MinimumLevel.Override("Microsoft", AtLeast(settings.LogLevel, LogEventLevel.Warning))
        .MinimumLevel.Override("Grpc", AtLeast(settings.LogLevel, LogEventLevel.Warning))
        // What keeps the host from starting is told by exit code and one line on standard error.
        .MinimumLevel.Override("Microsoft.Extensions.Hosting.Internal.Host", LogEventLevel.Fatal)
        // It looks for a generated binder, which kv.KvService has not; it is bound by hand.
        .MinimumLevel.Override("Microsoft.AspNetCore.Grpc.JsonTranscoding", LogEventLevel.Error)
        // A node that is not ready yet is told by /readyz and its own log lines, not by an error a second.
        .MinimumLevel.Override("Microsoft.Extensions.Diagnostics.HealthChecks", LogEventLevel.Fatal)
        // The feed says why it restarts; that it does is no news.
        .Filter.ByExcluding(static logged => logged.MessageTemplate.Text.StartsWith(
            "Restarting graph", StringComparison.Ordinal))
        .Enrich.FromLogContext()
        .WriteTo.Console(
            outputTemplate: "{Timestamp:HH:mm:ss.fff} {Level:u3} {Message:lj}{NewLine}{Exception}")
        .CreateLogger();

    private static LogEventLevel AtLeast(LogEventLevel level, LogEventLevel floor) =>
        level == LogEventLevel.Verbose || level > floor ? level : floor;

    private static void Announce(HostSettings settings, Microsoft.Extensions.Logging.ILogger logger)
    {
        for (int i = 0; i < settings.NodeIds.Count; i++)
        {
            logger.LogInformation(
                "{Node} serves gRPC on {RpcPort} and HTTP on {HttpPort} ({Mode} mode, data in {DataDir})",
                settings.NodeIds[i],
                settings.RpcPort + i,
                settings.HttpPort == 0 ? "none" : settings.HttpPort + i,
                settings.Mode.ToString().ToLowerInvariant(),
                settings.DataDir);
        }
    }
}
