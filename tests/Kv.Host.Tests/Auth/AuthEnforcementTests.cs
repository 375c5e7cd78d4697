using System.Net;
using Grpc.Core;
using Kv.Host.Tests.Hosting;
using Kv.Protos.Etcd;
using Kv.Protos.Internal.V1;
using Kv.Protos.V1;
using AuthClient = Kv.Protos.Etcd.Auth.AuthClient;

namespace Kv.Host.Tests.Auth;

/// <summary>Users on both APIs, at both nodes of a process. Its own: they lock everybody else out.</summary>
public sealed class AuthEnforcementTests : IAsyncLifetime
{
    private const string Password = "s3cr3t-of-u";

    private HostProcess _host = null!;

    public async Task InitializeAsync()
    {
        _host = await HostProcess.StartAsync(new HostStart { Nodes = 2 });
        var auth = new AuthClient(_host.Channel());
        await auth.UserAddAsync(new AuthUserAddRequest { Name = "root", Password = "top" });
        await auth.UserGrantRoleAsync(new AuthUserGrantRoleRequest { User = "root", Role = "root" });
        await auth.UserAddAsync(new AuthUserAddRequest { Name = "u", Password = Password });
        await auth.RoleAddAsync(new AuthRoleAddRequest { Name = "r" });
        await auth.RoleGrantPermissionAsync(new AuthRoleGrantPermissionRequest
        {
            Name = "r",
            Perm = new Permission
            {
                PermType = Permission.Types.Type.Readwrite,
                Key = Google.Protobuf.ByteString.CopyFromUtf8("app/"),
                RangeEnd = Google.Protobuf.ByteString.CopyFromUtf8("app0"),
            },
        });
        await auth.UserGrantRoleAsync(new AuthUserGrantRoleRequest { User = "u", Role = "r" });
        await auth.AuthEnableAsync(new AuthEnableRequest());
    }

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task A_token_of_one_node_is_good_at_the_other_and_permits_what_the_roles_do()
    {
        Metadata user = await TokenAsync("u", Password);

        await _host.Kv(2).SetAsync(new SetRequest { Key = "app/a", ValueJson = "1" }, user);
        GetReply got = await _host.Kv(2).GetAsync(new GetRequest { Key = "app/a" }, user);
        PrintReply printed = await _host.Kv().PrintAsync(new PrintRequest { Prefix = "app/" }, user);
        RangeResponse range = await new KV.KVClient(_host.Channel(2)).RangeAsync(
            new RangeRequest { Key = Google.Protobuf.ByteString.CopyFromUtf8("app/a") }, user);

        Assert.Equal("1", got.ValueJson);
        Assert.Single(printed.Entries);
        Assert.Equal("1", range.Kvs[0].Value.ToStringUtf8());
    }

    [Theory]
    [InlineData(Consistency.Linearizable)]
    [InlineData(Consistency.Barrier)]
    [InlineData(Consistency.Local)]
    public async Task The_simple_api_refuses_whatever_the_roles_do_not_permit(Consistency consistency)
    {
        Metadata user = await TokenAsync("u", Password);
        var get = new GetRequest { Key = "other", Consistency = consistency };
        var print = new PrintRequest { Prefix = "a", Consistency = consistency };

        Assert.Equal(StatusCode.PermissionDenied, await CodeOf(_host.Kv().GetAsync(get, user)));
        Assert.Equal(StatusCode.PermissionDenied, await CodeOf(_host.Kv(2).PrintAsync(print, user)));
        Assert.Equal(StatusCode.Unauthenticated, await CodeOf(_host.Kv().GetAsync(get)));
        Assert.Equal(StatusCode.Unauthenticated, await CodeOf(_host.Kv().PrintAsync(print)));
    }

    [Fact]
    public async Task Writes_and_settings_are_refused_too()
    {
        Metadata user = await TokenAsync("u", Password);
        var wrong = new Metadata { { "token", "no such token" } };
        var set = new SetRequest { Key = "other", ValueJson = "1" };

        Assert.Equal(StatusCode.PermissionDenied, await CodeOf(_host.Kv().SetAsync(set, user)));
        Assert.Equal(StatusCode.Unauthenticated, await CodeOf(_host.Kv().SetAsync(set)));
        Assert.Equal(StatusCode.Unauthenticated, await CodeOf(_host.Kv().SetAsync(set, wrong)));
        Assert.Equal(
            StatusCode.PermissionDenied,
            await CodeOf(_host.Kv().DelAsync(new DelRequest { Key = "other" }, user)));
        Assert.Equal(
            StatusCode.PermissionDenied,
            await CodeOf(_host.Kv().SetClusterSizeAsync(new SetClusterSizeRequest { Size = 3 }, user)));
    }

    [Fact]
    public async Task A_snapshot_is_given_to_root_only()
    {
        Metadata user = await TokenAsync("u", Password);
        Metadata root = await TokenAsync("root", "top");
        var snapshots = new SnapshotService.SnapshotServiceClient(_host.Channel());

        Assert.Equal(StatusCode.Unauthenticated, await CodeOfAsync(snapshots.Export(new ExportRequest())));
        Assert.Equal(
            StatusCode.PermissionDenied, await CodeOfAsync(snapshots.Export(new ExportRequest(), user)));
        Assert.Equal(StatusCode.OK, await CodeOfAsync(snapshots.Export(new ExportRequest(), root)));
    }

    [Fact]
    public async Task Http_takes_the_token_as_its_header()
    {
        Metadata user = await TokenAsync("u", Password);
        using var with = new HttpRequestMessage(HttpMethod.Get, "/v1/keys/app/b");
        with.Headers.TryAddWithoutValidation("Authorization", user.GetValue("token"));

        using HttpResponseMessage permitted = await _host.Http().SendAsync(with);
        using HttpResponseMessage refused = await _host.Http().GetAsync("/v1/keys/app/b");

        Assert.Equal(HttpStatusCode.OK, permitted.StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
    }

    [Fact]
    public async Task Users_and_tokens_outlive_a_restart_and_a_new_password_voids_the_tokens()
    {
        Metadata user = await TokenAsync("u", Password);
        Metadata root = await TokenAsync("root", "top");
        await _host.TerminateAsync();
        await _host.RestartAsync();
        var get = new GetRequest { Key = "app/a" };
        GetReply got = await _host.Kv().GetAsync(get, user);

        await new AuthClient(_host.Channel()).UserChangePasswordAsync(
            new AuthUserChangePasswordRequest { Name = "u", Password = "other" }, root);

        Assert.False(got.Found);
        Assert.Equal(StatusCode.Unauthenticated, await CodeOf(_host.Kv().GetAsync(get, user)));
        Assert.False((await _host.Kv().GetAsync(get, await TokenAsync("u", "other"))).Found);
    }

    [Fact]
    public async Task Passwords_are_not_in_what_is_on_the_disk()
    {
        await _host.TerminateAsync();

        Assert.All(
            Directory.EnumerateFiles(_host.DataDirectory, "*", SearchOption.AllDirectories),
            static file => Assert.False(
                File.ReadAllBytes(file).AsSpan().IndexOf("s3cr3t-of-u"u8) >= 0, $"{file} has a password."));
    }

    private async Task<Metadata> TokenAsync(string name, string password)
    {
        AuthenticateResponse reply = await new AuthClient(_host.Channel()).AuthenticateAsync(
            new AuthenticateRequest { Name = name, Password = password });
        return new Metadata { { "token", reply.Token } };
    }

    private static async Task<StatusCode> CodeOf<T>(AsyncUnaryCall<T> call) =>
        (await Assert.ThrowsAsync<RpcException>(async () => await call)).StatusCode;

    private static async Task<StatusCode> CodeOfAsync(AsyncServerStreamingCall<SnapshotChunk> call)
    {
        using (call)
        {
            try
            {
                return await call.ResponseStream.MoveNext(CancellationToken.None)
                    ? StatusCode.OK
                    : StatusCode.DataLoss;
            }
            catch (RpcException refused)
            {
                return refused.StatusCode;
            }
        }
    }
}
